std = 'luajit'
globals = { 'vim' }
read_globals = { 'Snacks', 'MiniPick' }
max_line_length = 120
