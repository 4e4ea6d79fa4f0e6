/* SPDX-License-Identifier: BSD-2-Clause */
/* Knows files and directories; lib/model knows what they mean. */
#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "text.h"

static int say(const char *path, int err)
{
	if (err == -EFBIG)
		ctl_error("%s: is larger than %d MiB", path,
			  TOPOLOGY_INPUT_MAX >> 20);
	else
		ctl_error("%s: %s", path, strerror(-err));
	return err;
}

static int append(struct sources *s, const char *name, char **text, size_t len)
{
	struct source *list =
		reallocarray(s->list, s->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	s->list = list;
	list[s->count] = (struct source){.name = text_safe(name), .len = len};
	if (!list[s->count].name)
		return -ENOMEM;
	list[s->count++].text = steal_ptr(text);
	return 0;
}

static int add_stdin(struct sources *s)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err;

	if (s->stdin_read) {
		ctl_error("standard input can be read only once");
		return -EINVAL;
	}
	s->stdin_read = true;
	err = fd_read_all(STDIN_FILENO, TOPOLOGY_INPUT_MAX, &text, &len)
		      ?: append(s, "<stdin>", &text, len);
	return err ? say("standard input", err) : 0;
}

static int add_file(struct sources *s, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err = file_read(path, TOPOLOGY_INPUT_MAX, &text, &len)
			  ?: append(s, path, &text, len);

	return err ? say(path, err) : 0;
}

static int is_topology(const struct dirent *e)
{
	static const char *const patterns[] = {"*.yaml", "*.yml", "*.json"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (!fnmatch(patterns[i], e->d_name, FNM_PERIOD))
			return 1;
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_directory(struct sources *s, const char *path)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_topology, by_name), err = 0;

	if (n < 0)
		return say(path, -errno);
	if (n == 0) {
		ctl_error("%s: has no *.yaml, *.yml or *.json", path);
		err = -ENOENT;
	}
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *file = NULL;

		if (err)
			; /* only the entries are left to free */
		else if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
			err = say(path, -ENOMEM);
		else
			err = add_file(s, file);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int sources_add(struct sources *s, const char *path)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return add_stdin(s);
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return add_directory(s, path);
	return add_file(s, path);
}

int sources_parse(const struct sources *s, struct topologies *out,
		  struct diags *found)
{
	int result = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct source *one = &s->list[i];
		int err = topologies_parse(out, one->text, one->len, one->name,
					   found);

		if (err == -ENOMEM)
			return err;
		if (err)
			result = err;
	}
	/* What is right in itself may still clash with its neighbours. */
	return topologies_check(out, found) ?: result;
}

json_t *sources_body(const struct sources *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s%}", "name",
						      s->list[i].name, "text",
						      s->list[i].text,
						      s->list[i].len));
	if (json_array_size(list) != s->count) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o}", "sources", list);
}

void sources_fini(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->list[i].name);
		free(s->list[i].text);
	}
	free(s->list);
	*s = (struct sources){0};
}

size_t topologies_objects(const struct topologies *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->list[i].objects.n_switches +
		     t->list[i].objects.n_pipes + t->list[i].objects.n_ports;
	return n;
}
