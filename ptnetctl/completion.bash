# Completion of ptnetctl for bash, made by `ptnetctl completion bash`.
# SPDX-License-Identifier: BSD-2-Clause

# Names that the daemon knows; it is asked, but not waited for.
_ptnetctl_names()
{
	local server=() i

	for ((i = 1; i < ${#line[@]}; i++)); do
		[[ ${line[i]} == --server ]] && server=(--server "${line[i + 1]}")
		[[ ${line[i]} == --server=* ]] && server=("${line[i]}")
	done
	"${line[0]}" "${server[@]}" --timeout 1 get "$1" -o name 2>/dev/null
}

# Words for one entry of the tables: @files, names of a kind, or the words.
_ptnetctl_words()
{
	local words

	case $1 in
	@files)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	@kinds) words=$kinds ;;
	@commands) words=$commands ;;
	@names) words=$(_ptnetctl_names "${positional[1]}") ;;
	@*) words=$(_ptnetctl_names "${1#@}") ;;
	*) words=$1 ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

_ptnetctl()
{
	local commands='apply plan validate get describe delete export status top census version help completion'
	local kinds='topologies switches pipes ports nics vms fdb'
	local options='--output -o --server --timeout --no-color --help -h --version'
	local -A own=(
		[apply]='--file -f'
		[plan]='--file -f --detailed-exitcode'
		[validate]='--file -f'
		[delete]='--file -f --dry-run'
		[top]='--batch -b --count -n --delay -d'
		[version]='--client'
	)
	local -A words=(
		[apply]='@files'
		[plan]='@files'
		[validate]='@files'
		[get]='@kinds|@names'
		[describe]='@kinds|@names'
		[delete]='topology|@topologies'
		[export]='@topologies'
		[help]='@commands'
		[completion]='bash'
	)
	local -A values=(
		['--output']='table json yaml name'
		['-o']='table json yaml name'
		['--server']='unix: http://127.0.0.1:'
		['--timeout']=''
		['apply --file']='@files'
		['apply -f']='@files'
		['plan --file']='@files'
		['plan -f']='@files'
		['validate --file']='@files'
		['validate -f']='@files'
		['delete --file']='@files'
		['delete -f']='@files'
		['top --count']=''
		['top -n']=''
		['top --delay']=''
		['top -d']=''
	)
	local line=() positional=() entries=()
	local cur prev command word i

	# Bash's own words end at colons; ours do not.
	read -ra line <<<"${COMP_LINE:0:COMP_POINT}"
	[[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && line+=('')
	cur=${line[-1]}
	prev=${line[-2]}
	for ((i = 1; i < ${#line[@]} - 1; i++)); do
		word=${line[i]}
		if [[ $word != -?* ]]; then
			positional+=("$word")
		elif [[ -n ${values[$word]+x}${values[${positional[0]} $word]+x} ]]; then
			((i++))
		fi
	done
	command=${positional[0]}

	if [[ $prev == -* && -n $command && -n ${values[$command $prev]+x} ]]; then
		_ptnetctl_words "${values[$command $prev]}"
	elif [[ $prev == -* && -n ${values[$prev]+x} ]]; then
		_ptnetctl_words "${values[$prev]}"
	elif [[ $cur == -* ]]; then
		_ptnetctl_words "$options ${command:+${own[$command]}}"
	elif [[ -z $command ]]; then
		_ptnetctl_words @commands
	else
		IFS='|' read -ra entries <<<"${words[$command]}"
		i=$((${#positional[@]} - 1))
		((i >= ${#entries[@]})) && i=$((${#entries[@]} - 1))
		((i >= 0)) && _ptnetctl_words "${entries[i]}"
	fi
}

complete -F _ptnetctl ptnetctl
