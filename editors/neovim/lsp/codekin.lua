-- For `vim.lsp.enable('codekin')`, which the plugin does by itself (Neovim 0.11 and newer).
return require('codekin.client').config
