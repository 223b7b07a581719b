#compdef restic-123pan
# Completions of restic-123pan for zsh.
_restic_123pan() {
    local -a commands
    commands=(
@COMMANDS@
    )
    _arguments -s \
        '1:command:->command' \
        '*:words:->words' \
        "${_restic_123pan_options[@]}"
    case $state in
        command) _describe command commands ;;
        words) _restic_123pan_words ;;
    esac
}

_restic_123pan_words() {
    case ${words[2]} in
@CHOICES@
        *) _files -/ ;;
    esac
}

typeset -ga _restic_123pan_options
_restic_123pan_options=(
@OPTIONS@
)

# The file is called as the function when it stands in the path of functions, and read otherwise.
if [ "${funcstack[1]}" = _restic-123pan ]; then
    _restic_123pan "$@"
elif (( $+functions[compdef] )); then
    compdef _restic_123pan restic-123pan
fi
