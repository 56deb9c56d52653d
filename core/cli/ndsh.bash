# SPDX-License-Identifier: BSD-3-Clause
# Completion of ndsh for bash: commands, options, tags that are written now, and .npy files.

_ndsh_options() {
    case $1 in
        list) echo --all --json --names --owner --help ;;
        info) echo --json --owner --help ;;
        serve) echo --listen --http --rtsp --no-rtsp --user --user-file --cert --key --open --ice-server --owner --encoder --bitrate --fps --size --help --version ;;
        share) echo --all --listen --make-keys --keys --open --owner --help --version ;;
        mirror) echo --as --every --every-nth --max-rate --compress --max-bytes --permissions --interval --keys --open --help --version ;;
        watch) echo --interval --count --owner --help ;;
        save) echo --count --follow --timeout --force --owner --help ;;
        publish) echo --rate --loop --backpressure --wait-for-reader --slots --permissions --help ;;
        prune) echo --dry-run --all-users --help ;;
        *) echo --version --help ;;
    esac
}

_ndsh_files() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -X '!*.npy' -- "$1") $(compgen -d -- "$1"))
}

_ndsh() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' positionals=0 i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --interval | --count | --timeout | --owner | --rate | --slots | --permissions | -[ictr]) ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then command=${COMP_WORDS[i]}; else ((positionals++)); fi
                ;;
        esac
    done
    COMPREPLY=()
    case $previous in
        --owner) COMPREPLY=($(compgen -u -- "$word")); return ;;
        --interval | --count | --timeout | --rate | --slots | --permissions) return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$(_ndsh_options "$command")" -- "$word"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W 'list info watch save publish prune serve share mirror' -- "$word"))
    elif [[ $command == prune ]]; then
        COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" list --all --names 2>/dev/null)" -- "$word"))
    elif [[ $command != list && $command != serve && $command != mirror && $positionals -eq 0 ]]; then
        COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" list --names 2>/dev/null)" -- "$word"))
    elif [[ ($command == save || $command == publish) && $positionals -eq 1 ]]; then
        _ndsh_files "$word"
    fi
}

complete -F _ndsh ndsh
