/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * completion: a script for bash made from the same tables as help. The file
 * completion.bash that is installed is this command's output.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "kinds.h"

static const char functions[] =
	"# Completion of ptnetctl for bash, made by `ptnetctl completion bash`.\n"
	"# SPDX-License-Identifier: BSD-2-Clause\n"
	"\n"
	"# Names that the daemon knows; it is asked, but not waited for.\n"
	"_ptnetctl_names()\n"
	"{\n"
	"\tlocal server=() i\n"
	"\n"
	"\tfor ((i = 1; i < ${#line[@]}; i++)); do\n"
	"\t\t[[ ${line[i]} == --server ]] && server=(--server \"${line[i + 1]}\")\n"
	"\t\t[[ ${line[i]} == --server=* ]] && server=(\"${line[i]}\")\n"
	"\tdone\n"
	"\t\"${line[0]}\" \"${server[@]}\" --timeout 1 get \"$1\" -o name 2>/dev/null\n"
	"}\n"
	"\n"
	"# Words for one entry of the tables: @files, names of a kind, or the words.\n"
	"_ptnetctl_words()\n"
	"{\n"
	"\tlocal words\n"
	"\n"
	"\tcase $1 in\n"
	"\t@files)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\treturn\n"
	"\t\t;;\n"
	"\t@kinds) words=$kinds ;;\n"
	"\t@commands) words=$commands ;;\n"
	"\t@names) words=$(_ptnetctl_names \"${positional[1]}\") ;;\n"
	"\t@*) words=$(_ptnetctl_names \"${1#@}\") ;;\n"
	"\t*) words=$1 ;;\n"
	"\tesac\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"}\n"
	"\n";

static const char body[] =
	"\n"
	"\t# Bash's own words end at colons; ours do not.\n"
	"\tread -ra line <<<\"${COMP_LINE:0:COMP_POINT}\"\n"
	"\t[[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && line+=('')\n"
	"\tcur=${line[-1]}\n"
	"\tprev=${line[-2]}\n"
	"\tfor ((i = 1; i < ${#line[@]} - 1; i++)); do\n"
	"\t\tword=${line[i]}\n"
	"\t\tif [[ $word != -?* ]]; then\n"
	"\t\t\tpositional+=(\"$word\")\n"
	"\t\telif [[ -n ${values[$word]+x}${values[${positional[0]} $word]+x} ]]; then\n"
	"\t\t\t((i++))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tcommand=${positional[0]}\n"
	"\n"
	"\tif [[ $prev == -* && -n $command && -n ${values[$command $prev]+x} ]]; then\n"
	"\t\t_ptnetctl_words \"${values[$command $prev]}\"\n"
	"\telif [[ $prev == -* && -n ${values[$prev]+x} ]]; then\n"
	"\t\t_ptnetctl_words \"${values[$prev]}\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_ptnetctl_words \"$options ${command:+${own[$command]}}\"\n"
	"\telif [[ -z $command ]]; then\n"
	"\t\t_ptnetctl_words @commands\n"
	"\telse\n"
	"\t\tIFS='|' read -ra entries <<<\"${words[$command]}\"\n"
	"\t\ti=$((${#positional[@]} - 1))\n"
	"\t\t((i >= ${#entries[@]})) && i=$((${#entries[@]} - 1))\n"
	"\t\t((i >= 0)) && _ptnetctl_words \"${entries[i]}\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _ptnetctl ptnetctl\n";

static void option_words(const struct ctl_option *o)
{
	const char *before = "";

	for (; o && o->name; o++) {
		printf("%s--%s", before, o->name);
		if (o->id < CTL_LONG_ONLY)
			printf(" -%c", o->id);
		before = " ";
	}
}

/* An option that takes a value, by both of its names. */
static void option_values(const char *command, const struct ctl_option *o)
{
	const char *space = *command ? " " : "";

	for (; o && o->name; o++) {
		if (!o->value)
			continue;
		printf("\t\t['%s%s--%s']='%s'\n", command, space, o->name,
		       o->choices ?: "");
		if (o->id < CTL_LONG_ONLY)
			printf("\t\t['%s%s-%c']='%s'\n", command, space, o->id,
			       o->choices ?: "");
	}
}

static void names(void)
{
	printf("\tlocal commands='");
	for (size_t i = 0; ctl_commands[i]; i++)
		printf("%s%s", i ? " " : "", ctl_commands[i]->name);
	printf("'\n\tlocal kinds='");
	for (const struct kind *k = kinds; k->name; k++)
		printf("%s%s", k == kinds ? "" : " ", k->name);
	printf("'\n\tlocal options='");
	option_words(ctl_global_options);
	printf("'\n");
}

static void tables(void)
{
	printf("\tlocal -A own=(\n");
	for (size_t i = 0; ctl_commands[i]; i++) {
		if (!ctl_commands[i]->options)
			continue;
		printf("\t\t[%s]='", ctl_commands[i]->name);
		option_words(ctl_commands[i]->options);
		printf("'\n");
	}
	printf("\t)\n\tlocal -A words=(\n");
	for (size_t i = 0; ctl_commands[i]; i++)
		if (ctl_commands[i]->words)
			printf("\t\t[%s]='%s'\n", ctl_commands[i]->name,
			       ctl_commands[i]->words);
	printf("\t)\n\tlocal -A values=(\n");
	option_values("", ctl_global_options);
	for (size_t i = 0; ctl_commands[i]; i++)
		option_values(ctl_commands[i]->name, ctl_commands[i]->options);
	printf("\t)\n");
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const char *shell = NULL;
	struct args a;
	int id;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0)
		shell = a.value;
	if (id == ARGS_STOP)
		return a.status;
	if (!shell || strcmp(shell, "bash") != 0)
		return ctl_usage(ctl, "completion expects bash");
	fputs(functions, stdout);
	printf("_ptnetctl()\n{\n");
	names();
	tables();
	printf("\tlocal line=() positional=() entries=()\n"
	       "\tlocal cur prev command word i\n");
	fputs(body, stdout);
	return CTL_OK;
}

const struct ctl_command command_completion = {
	.name = "completion",
	.args = "bash",
	.brief = "print a completion script",
	.text = "Print a completion script for bash: "
		"source <(ptnetctl completion bash).",
	.words = "bash",
	.run = run,
};
