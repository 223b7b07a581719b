#compdef restic-123pan
# Completions of restic-123pan for zsh.
_restic_123pan() {
    local command='' word=''
    local -a specs
    for word in ${words[2,CURRENT-1]}; do
        case "$command/$word" in
@STEMS@
        esac
    done
    case $command in
@COMMANDS@
    esac
    _arguments -s : $specs
}

# The file is called as the function when it stands in the path of functions, and read otherwise.
if [ "${funcstack[1]}" = _restic-123pan ]; then
    _restic_123pan "$@"
elif (( $+functions[compdef] )); then
    compdef _restic_123pan restic-123pan
fi
