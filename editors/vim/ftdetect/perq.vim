autocmd BufNewFile,BufRead *.rule setfiletype perq
