# fish completion of toolbridge: toolbridge completion fish | source
complete -c toolbridge -a '(set -l words (commandline -opc) (commandline -ct); $words[1] __complete -- $words[2..-1] 2>/dev/null)'
