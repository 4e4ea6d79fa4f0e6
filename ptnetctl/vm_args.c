/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm args: how QEMU and libvirt attach to the sockets of a VM's interfaces.
 *
 * No reconnect= among the options: when the socket is not there, QEMU would
 * wait for it for ever as it starts. And no master=on: QEMU takes it from the
 * first member of a trust domain only. Without, it refuses to migrate such a VM
 * until the device is unplugged, which is right, since the host's side stays.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "json/json.h"
#include "text.h"
#include "vm.h"
#include "writer.h"

/* What an option or an element says of one interface. */
struct binding {
	const char *name; /* VM.INTERFACE */
	const char *socket;
	json_int_t vectors; /* one for control, one a ring */
};

static int find(struct binding *b, const json_t *port)
{
	*b = (struct binding){
		.name = json_string_value(json_object_get(port, "name")) ?: "?",
		.socket = json_string_value(json_path(port, "status.socket")),
		.vectors = 1 + 2 * json_integer_value(
					   json_path(port, "spec.queues")),
	};
	if (b->socket)
		return CTL_OK;
	ctl_error("%s has no socket that QEMU could attach to", b->name);
	ctl_hint("is the topology applied, on the engine or the kernel? See "
		 "`ptnetctl status`.");
	return CTL_ERROR;
}

/* In a value of QEMU's options a comma is doubled. */
static void add_value(struct strbuf *to, const char *value)
{
	for (; *value; value++) {
		strbuf_add_bytes(to, value, 1);
		if (*value == ',')
			strbuf_add(to, ",");
	}
}

static void add_word(json_t *words, struct strbuf *word)
{
	_cleanup_free_ char *text = strbuf_steal(word);

	json_array_append_new(words, json_string(text ?: ""));
}

static void add_options(json_t *words, const struct binding *b)
{
	struct strbuf word = {0};

	json_array_append_new(words, json_string("-chardev"));
	strbuf_addf(&word, "socket,id=ptnet-%s,path=", b->name);
	add_value(&word, b->socket);
	add_word(words, &word);
	json_array_append_new(words, json_string("-device"));
	strbuf_addf(&word,
		    "ivshmem-doorbell,id=ptnet-%s,chardev=ptnet-%s,"
		    "vectors=%" JSON_INTEGER_FORMAT ",ioeventfd=on",
		    b->name, b->name, b->vectors);
	add_word(words, &word);
}

json_t *vm_words(const struct vm *vm, const json_t *interfaces)
{
	json_t *words = json_array();
	struct binding b;
	json_t *port;
	size_t i;

	(void)vm;
	json_array_foreach(interfaces, i, port) {
		if (find(&b, port)) {
			json_decref(words);
			return NULL;
		}
		add_options(words, &b);
	}
	return words;
}

/* For a shell's $(...): no word may have what it splits or expands. */
static bool shell_takes(const char *word)
{
	return !strpbrk(word, " \t\n*?[\\\"'$`");
}

static int print_words(const struct vm *vm, const json_t *interfaces)
{
	_cleanup_json_ json_t *words = vm->format == VM_BHYVE
					       ? vm_bhyve_words(interfaces)
					       : vm_words(vm, interfaces);
	json_t *word;
	size_t i;

	if (!words)
		return CTL_ERROR;
	if (vm->ctl->output != OUTPUT_TABLE)
		return write_value(vm->ctl, words);
	json_array_foreach(words, i, word)
		if (!shell_takes(json_string_value(word)))
			return ctl_error("a shell would not take \"%s\" as one "
					 "word: use `vm run`, or -o json",
					 json_string_value(word));
	json_array_foreach(words, i, word) {
		text_put(stdout, json_string_value(word));
		putchar(i % 2 ? '\n' : ' ');
	}
	return CTL_OK;
}

static void put_xml(const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", stdout);
		else if (*text == '<')
			fputs("&lt;", stdout);
		else if (*text == '\'')
			fputs("&apos;", stdout);
		else
			putchar(*text);
	}
}

static void print_shmem(const struct binding *b)
{
	printf("<shmem name='ptnet-%s'>\n", b->name);
	printf("  <model type='ivshmem-doorbell'/>\n");
	printf("  <server path='");
	put_xml(b->socket);
	printf("'/>\n");
	printf("  <msi vectors='%" JSON_INTEGER_FORMAT "' ioeventfd='on'/>\n",
	       b->vectors);
	printf("</shmem>\n");
}

static int print_libvirt(const struct vm *vm, const json_t *interfaces)
{
	struct binding b;
	json_t *port;
	size_t i;

	if (vm->ctl->output != OUTPUT_TABLE)
		return ctl_usage(vm->ctl, "--format libvirt is XML already");
	json_array_foreach(interfaces, i, port)
		if (find(&b, port))
			return CTL_ERROR;
	json_array_foreach(interfaces, i, port) {
		find(&b, port);
		print_shmem(&b);
	}
	return CTL_OK;
}

int vm_args(struct vm *vm)
{
	_cleanup_json_ json_t *interfaces = NULL;

	if (vm->ctl->output == OUTPUT_NAME)
		return ctl_usage(vm->ctl, "vm args writes words, json or yaml");
	interfaces = vm_interfaces(vm);
	if (!interfaces)
		return CTL_ERROR;
	return vm->format == VM_LIBVIRT ? print_libvirt(vm, interfaces)
					: print_words(vm, interfaces);
}
