# Completions of restic-123pan for bash.
_restic_123pan() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''
    case $before in
        @PATHS@)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        @VALUES@) return ;;
    esac
    case $current in
        -*)
            mapfile -t COMPREPLY < <(compgen -W '@OPTIONS@' -- "$current")
            return
            ;;
    esac
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '@COMMANDS@' -- "$current")
        return
    fi
    case ${COMP_WORDS[1]} in
@CHOICES@
        import | export)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _restic_123pan restic-123pan
