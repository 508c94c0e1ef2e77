# Bash completion for aslc. Installed as share/bash-completion/completions/aslc.
# For a compiled workflow, with aslc's own loaded: complete -F _aslc_workflow order

_aslc_run_commands='run list describe history resume redrive stop gc send-task-success send-task-failure send-task-heartbeat'
_aslc_run_options='--input --each --max-executions --describe --mock --bind --bindings --clock --start-time --profile --strict-aws --type --name
    --history --report --log-level --log --log-data --log-redact --trace --metrics --store --wait --suspend-after --threads --seed --s3-root
    --status --format --follow --error --cause --output --older-than --help --version'

# The values of the option before the cursor. 0: it takes one, and COMPREPLY has what is known of it.
_aslc_value() {
    local cur=$2
    case $1 in
    --clock) mapfile -t COMPREPLY < <(compgen -W 'real virtual' -- "$cur") ;;
    --type) mapfile -t COMPREPLY < <(compgen -W 'standard express' -- "$cur") ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json sarif' -- "$cur") ;;
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur") ;;
    --emit) mapfile -t COMPREPLY < <(compgen -W 'plan ir bc asm obj' -- "$cur") ;;
    --dump-after) mapfile -t COMPREPLY < <(compgen -W 'lower thread quiet shape slots views pack' -- "$cur") ;;
    --query-language) mapfile -t COMPREPLY < <(compgen -W 'jsonpath intrinsic jsonata' -- "$cur") ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W 'jit interpret' -- "$cur") ;;
    --status) mapfile -t COMPREPLY < <(compgen -W 'RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED' -- "$cur") ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W 'ALL ERROR FATAL OFF' -- "$cur") ;;
    --trace) mapfile -t COMPREPLY < <(compgen -W 'xray otlp' -- "$cur") ;;
    --metrics) mapfile -t COMPREPLY < <(compgen -W 'emf prometheus:' -- "$cur"); compopt -o nospace ;;
    --store) mapfile -t COMPREPLY < <(compgen -W 'sqlite: postgres://' -- "$cur"); compopt -o nospace ;;
    --name|--seed|--start-time|--bind|--max-executions|--suspend-after|--threads|--error|--cause|--output|--older-than|--log-redact|--runs|\
    --ignore|--execution|--case|-D|-l) ;;
    *) return 1 ;;
    esac
}

_aslc_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# Whether a command of a workflow is among the words from this one on.
_aslc_named() {
    local word
    for word in "${COMP_WORDS[@]:$1:COMP_CWORD-$1}"; do
        [[ " $_aslc_run_commands " == *" $word "* ]] && return 0
    done
    return 1
}

_aslc_workflow() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    _aslc_value "$prev" "$cur" && return
    case $cur in
    -*) mapfile -t COMPREPLY < <(compgen -W "$_aslc_run_options" -- "$cur") ;;
    *) if [[ $prev == --* ]] || _aslc_named 1; then _aslc_files "$cur"
       else mapfile -t COMPREPLY < <(compgen -W "$_aslc_run_commands" -- "$cur"); fi ;;
    esac
}

_aslc() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'build run interpret check eval replay mocks bench help --version --help' -- "$cur")
        return
    fi
    _aslc_value "$prev" "$cur" && return
    case $cur in
    --emit=*) mapfile -t COMPREPLY < <(compgen -P --emit= -W 'plan ir bc asm obj' -- "${cur#--emit=}"); return ;;
    -*)
        local options
        case $command in
        build) options='-o --shared --emit= -O0 -O1 -O2 -O3 --bind -l -L --unbound -D --definitions --type --name --static -s
            --dump-after -fno- -v --color --help' ;;
        run|interpret) options="-O0 -O1 -O2 -O3 -D --definitions --dump-after -fno- --color $_aslc_run_options" ;;
        check) options='--format --references -D --definitions --type --color --help' ;;
        eval) options='--query-language --data --step-functions --engine --explain --batch --help' ;;
        replay) options='--ignore --ignore-file --execution --name --format -D --definitions --type --color --help' ;;
        mocks) options='-o --name --case --execution --help' ;;
        bench) options='--input --runs --format --mock --bind --clock --seed --strict-aws --type -O0 -O1 -O2 -O3 -fno- -D --definitions
            --help' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        [[ ${COMPREPLY[*]} == *= || ${COMPREPLY[*]} == -fno- ]] && compopt -o nospace
        return ;;
    esac
    if [ "$command" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W 'build run interpret check eval replay mocks bench' -- "$cur")
        return
    fi
    _aslc_files "$cur"
    if [[ $command == run || $command == interpret ]] && [ "$COMP_CWORD" -gt 2 ] && [[ $prev != --* ]] && ! _aslc_named 3; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$_aslc_run_commands" -- "$cur")
    fi
}
complete -F _aslc aslc
