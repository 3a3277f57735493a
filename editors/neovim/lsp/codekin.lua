-- For `vim.lsp.enable('codekin')`, which the plugin calls (Neovim 0.11 and newer).
return require('codekin.client').config
