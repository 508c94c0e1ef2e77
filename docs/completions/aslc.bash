# Bash completion for aslc. Installed as share/bash-completion/completions/aslc.
_aslc() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    local run_options='--input --describe --mock --bind --bindings --clock --start-time --strict-aws --type --name --seed --s3-root'
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'build run interpret check eval help --version --help' -- "$cur")
        return
    fi
    case $prev in
    --clock) mapfile -t COMPREPLY < <(compgen -W 'real virtual' -- "$cur"); return ;;
    --type) mapfile -t COMPREPLY < <(compgen -W 'standard express' -- "$cur"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json sarif' -- "$cur"); return ;;
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur"); return ;;
    --emit) mapfile -t COMPREPLY < <(compgen -W 'plan ir bc asm obj' -- "$cur"); return ;;
    --dump-after) mapfile -t COMPREPLY < <(compgen -W 'lower thread slots' -- "$cur"); return ;;
    --query-language) mapfile -t COMPREPLY < <(compgen -W 'jsonpath intrinsic jsonata' -- "$cur"); return ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W 'jit interpret' -- "$cur"); return ;;
    --name|--seed|--start-time|--bind|-D|-l) return ;;
    esac
    case $cur in
    --emit=*) mapfile -t COMPREPLY < <(compgen -P --emit= -W 'plan ir bc asm obj' -- "${cur#--emit=}"); return ;;
    -*)
        local options
        case $command in
        build) options='-o --shared --emit= -O0 -O1 -O2 -O3 --bind -l -L --unbound -D --definitions --type --name --static -s --dump-after -v --color --help' ;;
        run|interpret) options="-O0 -O1 -O2 -O3 -D --definitions --dump-after $run_options --help" ;;
        check) options='--format --references -D --definitions --type --color --help' ;;
        eval) options='--query-language --data --step-functions --engine --explain --batch --help' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
        return ;;
    esac
    if [ "$command" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W 'build run interpret check eval' -- "$cur")
        return
    fi
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
complete -F _aslc aslc
