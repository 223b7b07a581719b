# Completions of restic-123pan for bash.
_restic_123pan() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' word='' options='' words='' paths=''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$command/$word" in
@STEMS@
        esac
    done
    case $command in
@COMMANDS@
    esac
    case $before in
@VALUES@
        @PATHS@) options='' words='' paths=-f ;;
        @ANY@) return ;;
    esac
    case $current in
        -*) words=$options ;;
    esac
    mapfile -t COMPREPLY < <(compgen ${paths:+"$paths"} -W "$words" -- "$current")
}
complete -F _restic_123pan restic-123pan
