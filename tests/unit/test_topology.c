/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door for topologies. Called with --verdict it reads documents from its
 * standard input, each ended by a zero byte, and prints one JSON array of
 * findings a line; with --defaults it prints the fields' defaults as a JSON
 * object. test_schema.py compares both with the schema.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "json/json.h"
#include "model/fields.h"
#include "model/scalar.h"
#include "model/topology.h"

#define HEAD                                                                   \
	"apiVersion: ptnet/v1\nkind: Topology\nmetadata: {name: t}\nspec:\n"

static int parse(struct topologies *set, const char *text, struct diags *d)
{
	return topologies_parse(set, text, strlen(text), "t.yaml", d);
}

/* All findings as they are printed, a line each. */
static char *findings_of(const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf b = {0};
	struct topologies set = {0};
	struct diags d = {0};
	int err = topologies_parse(&set, text, len, "t.yaml", &d);

	assert_int_equal(err, diags_any(&d) ? -EINVAL : 0);
	if (!err)
		topologies_check(&set, &d);
	else
		assert_int_equal(set.count, 0);
	for (size_t i = 0; i < d.count; i++) {
		_cleanup_free_ char *line = diag_format(&d.list[i]);

		strbuf_addf(&b, "%s\n", line);
	}
	diags_fini(&d);
	topologies_fini(&set);
	return strbuf_steal(&b);
}

static void assert_findings(const char *text, const char *expected)
{
	_cleanup_free_ char *got = findings_of(text, strlen(text));

	assert_string_equal(got, expected);
}

/* One finding with @part in it. */
static void assert_finding(const char *text, const char *part)
{
	_cleanup_free_ char *got = findings_of(text, strlen(text));
	char *end = strchr(got, '\n');

	if (!strstr(got, part) || !end || end[1])
		fail_msg("expected one finding with\n%s\nfound\n%s\nin\n%s",
			 part, got, text);
}

static struct topologies good(const char *text)
{
	struct topologies set = {0};
	struct diags d = {0};

	if (parse(&set, text, &d)) {
		_cleanup_free_ char *first = diag_format(&d.list[0]);

		fail_msg("%s", first);
	}
	return set;
}

static void defaults_are_filled_in(void **state)
{
	(void)state;
	struct topologies set = good(HEAD
				     "  switches: [{name: vale0}]\n"
				     "  pipes: [{name: p0}]\n"
				     "  ports:\n"
				     "  - {name: probe, switch: vale0}\n"
				     "  - {name: left, pipe: p0, end: b}\n");
	const struct objects *o = &set.list[0].objects;
	const struct port_spec *probe = objects_find_port(o, "probe");
	const struct port_spec *left = objects_find_port(o, "left");

	assert_string_equal(set.list[0].name, "t");
	assert_int_equal(o->switches[0].ageing_ms, 300000);
	assert_int_equal(o->switches[0].fdb_size, 8192);
	assert_string_equal(o->pipes[0].domain, "pipe:p0");
	assert_int_equal(probe->kind, PTN_PORT_HOST);
	assert_string_equal(probe->owner, "t");
	assert_string_equal(probe->on_switch, "vale0");
	assert_string_equal(probe->domain, "");
	assert_int_equal(probe->queues, 1);
	assert_int_equal(probe->slots, 1024);
	assert_int_equal(probe->buf_size, 2048);
	assert_int_equal(probe->extra_bufs, 0);
	assert_false(probe->huge_pages);
	assert_true(probe->has_mac);
	assert_int_equal(probe->mac[0] & 3, 2);
	assert_string_equal(left->domain, "pipe:p0");
	assert_int_equal(left->end, 1);
	topologies_fini(&set);
}

static void vms_and_nics_are_ports(void **state)
{
	(void)state;
	struct topologies set = good(
		HEAD "  switches: [{name: s}]\n"
		     "  pipes: [{name: p0, domain: d}]\n"
		     "  nics: [{device: eth1, switch: s, hostStack: yes}]\n"
		     "  vms:\n"
		     "  - name: fw\n"
		     "    domain: d\n"
		     "    interfaces:\n"
		     "    - {name: in, nic: eth2}\n"
		     "    - {name: out, pipe: p0, end: a, queues: 4}\n");
	const struct objects *o = &set.list[0].objects;
	const struct port_spec *nic = objects_find_port(o, "eth1");
	const struct port_spec *in = objects_find_port(o, "fw.in");
	const struct port_spec *out = objects_find_port(o, "fw.out");

	assert_int_equal(nic->kind, PTN_PORT_NIC);
	assert_string_equal(nic->device, "eth1");
	assert_true(nic->host_stack);
	assert_false(nic->has_mac);
	assert_int_equal(in->kind, PTN_PORT_VM);
	assert_true(in->offload);
	assert_string_equal(in->device, "eth2");
	assert_string_equal(in->domain, "d");
	assert_string_equal(out->on_pipe, "p0");
	assert_int_equal(out->queues, 4);
	topologies_fini(&set);
}

static void declarations_keep_their_places(void **state)
{
	(void)state;
	struct topologies set = good(HEAD "  switches: [{name: s}]\n"
					  "  vms:\n"
					  "  - name: fw\n"
					  "    interfaces:\n"
					  "    - name: in\n"
					  "      switch: s\n");
	const struct declared *d =
		topology_declared(&set.list[0], OBJECT_PORT, "fw.in");

	assert_int_equal(d->at.line, 9);
	assert_int_equal(d->at.column, 13);
	assert_string_equal(d->path, "spec.vms[0].interfaces[0].name");
	assert_null(topology_declared(&set.list[0], OBJECT_PIPE, "s"));
	assert_non_null(topology_declared(&set.list[0], OBJECT_SWITCH, "s"));
	topologies_fini(&set);
}

static void the_document_is_canonical(void **state)
{
	(void)state;
	struct topologies set =
		good("{\"spec\": {\"ports\": [{\"queues\": 1, \"slots\": 64,"
		     "\"switch\": \"s\", \"mac\": \"02:AA:00:00:00:01\","
		     "\"name\": \"p\"}], \"pipes\": [], \"switches\": "
		     "[{\"macAgeing\": \"5m\", \"name\": \"s\"}]},"
		     "\"metadata\": {\"name\": \"t\"}, \"kind\": \"Topology\","
		     "\"apiVersion\": \"ptnet/v1\"}");
	_cleanup_free_ char *yaml = topology_to_yaml(set.list[0].document);

	assert_string_equal(
		yaml, "# yaml-language-server: $schema=" TOPOLOGY_SCHEMA
		      "\napiVersion: ptnet/v1\nkind: Topology\n"
		      "metadata:\n  name: t\nspec:\n  switches:\n"
		      "    - name: s\n  ports:\n    - name: p\n"
		      "      switch: s\n      mac: \"02:aa:00:00:00:01\"\n"
		      "      slots: 64\n");
	topologies_fini(&set);
}

static void all_findings_come_at_once_in_order(void **state)
{
	(void)state;
	assert_findings(
		"apiVersion: ptnet/v2\n"
		"kind: Topologie\n"
		"metadata: {nam: t}\n"
		"spec:\n"
		"  swiches: []\n"
		"  switches:\n"
		"  - {name: vale0, macTable: 100}\n"
		"  ports:\n"
		"  - {name: a b, switch: vale0}\n"
		"  - {name: b, switch: vael0, queues: 17}\n"
		"  - {name: b, switch: vale0, switch: vale0}\n",
		"t.yaml:1:13: apiVersion: expected ptnet/v1, found "
		"\"ptnet/v2\"\n"
		"t.yaml:2:7: kind: expected Topology, found \"Topologie\"\n"
		"t.yaml:3:11: metadata: metadata needs name, which is missing\n"
		"t.yaml:3:12: metadata.nam: metadata has no such key (did you "
		"mean name?)\n"
		"t.yaml:5:3: spec.swiches: a spec has no such key (did you "
		"mean switches?)\n"
		"t.yaml:7:29: spec.switches[0].macTable: expected an integer "
		"from 64 to 1048576, a power of two, found the number 100\n"
		"t.yaml:9:12: spec.ports[0].name: expected a name (letters, "
		"digits, - and _, first a letter or digit, at most 31), found "
		"\"a b\"\n"
		"t.yaml:10:23: spec.ports[1].switch: there is no switch vael0 "
		"in this topology (did you mean vale0?)\n"
		"t.yaml:10:38: spec.ports[1].queues: expected an integer from "
		"1 to 16, found the number 17\n"
		"t.yaml:11:12: spec.ports[2].name: the port name b is already "
		"taken at line 10, column 12\n"
		"t.yaml:11:30: spec.ports[2].switch: the key \"switch\" is already at line 11, "
		"column 15\n");
}

/* What is in there may have findings too, and has no name to be told by. */
static void keys_are_words(void **state)
{
	static const char outermost[] = "{a: 1, a: 2}: x\n";
	_cleanup_free_ char *got = NULL;

	(void)state;
	assert_findings(HEAD "  {a: 1, a: 2}: x\n",
			"t.yaml:5:3: a key must be a word, not a list "
			"or a mapping\n"
			"t.yaml:5:10: spec.?.a: the key \"a\" is already at "
			"line 5, column 4\n");
	assert_findings(HEAD "  ? {a: 1}\n  : {b: 1, b: 2}\n",
			"t.yaml:5:5: a key must be a word, not a list "
			"or a mapping\n"
			"t.yaml:6:12: spec.?.b: the key \"b\" is already at "
			"line 6, column 6\n");
	/* the outermost one has nothing before it */
	got = findings_of(outermost, strlen(outermost));
	assert_non_null(strstr(got, "t.yaml:1:8: ?.a: the key \"a\""));
}

/* Tables: what is behind HEAD, and a part of its only finding. */
struct bad {
	const char *spec, *part;
};

static void assert_all_bad(const struct bad *cases)
{
	for (; cases->spec; cases++) {
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, HEAD "%s", cases->spec) > 0);
		assert_finding(text, cases->part);
	}
}

static void types_and_ranges(void **state)
{
	(void)state;
	static const struct bad cases[] = {
		{"  switches: {}\n", "expected a list, each item a switch, "
				     "found a mapping"},
		{"  switches:\n", "found nothing"},
		{"  switches: [5]\n", "switches[0]: expected a switch, found "
				      "the number 5"},
		{"  switches: [{name: 5}]\n", "as a text it is in quotes: "
					      "\"5\""},
		{"  switches: [{name: yes}]\n", "found the boolean yes"},
		{"  switches: [{name: 2026-01-31}]\n", "found the date"},
		{"  switches: [{name: ~}]\n", "found nothing"},
		{"  switches: [{name: -a}]\n", "found \"-a\""},
		{"  switches: [{name: \"a\\0\"}]\n", "found \"a?\""},
		{"  switches: [{name: abcdefghijabcdefghijabcdefghijab}]\n",
		 "at most 31"},
		{"  switches: [{name: a, macAgeing: 300}]\n",
		 "did you mean 300s?"},
		{"  switches: [{name: a, macAgeing: 1000h}]\n", "at most 999h"},
		{"  switches: [{name: a, macTable: \"64\"}]\n",
		 "write the number without quotes: 64"},
		{"  switches: [{name: a, macTable: 1e3}]\n", "found \"1e3\""},
		{"  switches: [{name: a, macTable: 64.5}]\n", "64.5"},
		{"  switches: [{name: a}]\n"
		 "  ports: [{name: p, switch: a, hugePages: \"yes\"}]\n",
		 "expected true or false, found \"yes\""},
		{"  switches: [{name: a}]\n"
		 "  ports: [{name: p, switch: a, bufferSize: 100}]\n",
		 "a multiple of 64"},
		{"  switches: [{name: a}]\n"
		 "  ports: [{name: p, switch: a, mac: 12:00:00:00:00:01}]\n",
		 "found the number 12:00:00:00:00:01 (as a text it is in "
		 "quotes"},
		{"  switches: [{name: a}]\n"
		 "  ports: [{name: p, switch: a, mac: "
		 "\"03:00:00:00:00:01\"}]\n",
		 "is a group address"},
		{"  switches: [{name: a}]\n"
		 "  ports: [{name: p, switch: a, mac: "
		 "\"00:00:00:00:00:00\"}]\n",
		 "all zeros"},
		{"  vms: [{name: v, interfaces: []}]\n", "at least 1"},
		{"  vms: [{name: v}]\n", "needs interfaces"},
		{NULL, NULL},
	};

	assert_all_bad(cases);
}

static void a_port_has_one_place(void **state)
{
	(void)state;
#define PLACES "  switches: [{name: s}]\n  pipes: [{name: p}]\n"
	static const struct bad cases[] = {
		{PLACES "  ports: [{name: a}]\n",
		 "a port needs a place: switch, or pipe and end"},
		{PLACES "  ports: [{name: a, pipe: p}]\n", "pipe without end"},
		{PLACES "  ports: [{name: a, end: a}]\n", "end without pipe"},
		{PLACES "  ports: [{name: a, switch: s, pipe: p, end: a}]\n",
		 "switch and pipe together"},
		{PLACES "  ports: [{name: a, switch: s, nic: eth0}]\n",
		 "ports[0].nic: a port has no such key"},
		{PLACES "  vms: [{name: v, interfaces: [{name: i}]}]\n",
		 "switch, or pipe and end, or nic"},
		{PLACES "  vms: [{name: v, interfaces: [{name: i, switch: s, "
			"nic: eth0}]}]\n",
		 "switch and nic together"},
		{NULL, NULL},
	};

	assert_all_bad(cases);
}

static void references_lead_somewhere(void **state)
{
	(void)state;
#define WORLD                                                                  \
	"  switches: [{name: s}, {name: s2}]\n"                                \
	"  pipes: [{name: p}, {name: pd, domain: d}]\n"
	static const struct bad cases[] = {
		{WORLD "  ports: [{name: a, switch: nowhere}]\n",
		 "there is no switch nowhere in this topology\n"},
		{WORLD "  ports: [{name: a, switch: p}]\n", "(p is a pipe)"},
		{WORLD "  ports: [{name: a, pipe: s, end: a}]\n",
		 "(s is a switch)"},
		{WORLD "  nics: [{device: eth0, switch: x}]\n",
		 "nics[0].switch: there is no switch x"},
		{WORLD "  vms: [{name: v, interfaces: [{name: i, switch: "
		       "x}]}]\n",
		 "interfaces[0].switch: there is no switch x"},
		{WORLD "  vms: [{name: v, domain: d, interfaces: [{name: i, "
		       "pipe: p, end: a}]}]\n",
		 "the pipe p has no domain"},
		{WORLD "  vms: [{name: v, domain: e, interfaces: [{name: i, "
		       "pipe: pd, end: a}]}]\n",
		 "of domain d, this VM of e (domain: d)"},
		{WORLD "  vms: [{name: v, interfaces: [{name: i, pipe: pd, "
		       "end: a}]}]\n",
		 "of domain d, this VM of none"},
		{"  switches: [{name: s, staticMacs: [{mac: "
		 "\"02:00:00:00:00:01\", port: x}]}]\n",
		 "staticMacs[0].port: there is no port x"},
		{"  switches: [{name: s, staticMacs: [{mac: "
		 "\"02:00:00:00:00:01\", port: a}]}, {name: s2}]\n"
		 "  ports: [{name: a, switch: s2}]\n",
		 "the port a is not on this switch (it is on switch s2)"},
		{WORLD "  ports: [{name: a, pipe: p, end: a}, {name: b, pipe: "
		       "p, end: b, bufferSize: 4096}]\n",
		 "the bufferSize is 4096, but 2048 for port a"},
		{NULL, NULL},
	};

	assert_all_bad(cases);
}

static void nothing_is_taken_twice(void **state)
{
	(void)state;
	static const struct bad cases[] = {
		{"  switches: [{name: s}, {name: s}]\n",
		 "switches[1].name: the switch name s is already taken at "
		 "line 5, column 21"},
		{"  pipes: [{name: p}, {name: p}]\n", "the pipe name p"},
		{WORLD "  nics: [{device: eth0}]\n"
		       "  ports: [{name: eth0, switch: s}]\n",
		 "the port name eth0"},
		{WORLD "  nics: [{device: eth0}, {device: eth0}]\n",
		 "the port name eth0"},
		{WORLD "  nics: [{device: eth0}]\n"
		       "  vms: [{name: v, interfaces: [{name: i, nic: "
		       "eth0}]}]\n",
		 "interfaces[0].nic: the device eth0 is already taken"},
		{WORLD "  ports: [{name: a, pipe: p, end: a}, {name: b, pipe: "
		       "p, end: a}]\n",
		 "ports[1].end: end a of pipe p is already taken"},
		/* an end that is none takes none */
		{WORLD "  ports: [{name: a, pipe: p, end: c}, {name: b, pipe: "
		       "p, end: a}]\n",
		 "ports[0].end: expected a or b"},
		{WORLD "  vms: [{name: v, interfaces: [{name: i, switch: s}]},"
		       " {name: v, interfaces: [{name: j, switch: s}]}]\n",
		 "the VM name v"},
		{WORLD "  vms: [{name: v, interfaces: [{name: i, switch: s}, "
		       "{name: i, switch: s2}]}]\n",
		 "the port name v.i"},
		{WORLD "  ports:\n"
		       "  - {name: a, switch: s, mac: \"02:00:00:00:00:0a\"}\n"
		       "  - {name: b, switch: s, mac: \"02:00:00:00:00:0A\"}\n"
		       "  - {name: c, switch: s2, mac: "
		       "\"02:00:00:00:00:0a\"}\n",
		 "ports[1].mac: the address 02:00:00:00:00:0a on switch s"},
		{"  switches: [{name: s, staticMacs: ["
		 "{mac: \"02:00:00:00:00:01\", port: a}, "
		 "{mac: \"02:00:00:00:00:01\", port: a}]}]\n"
		 "  ports: [{name: a, switch: s}]\n",
		 "the static address 02:00:00:00:00:01 on switch s"},
		{"  switches: [{name: s, staticMacs: ["
		 "{mac: \"02:00:00:00:00:0b\", port: a}]}]\n"
		 "  ports: [{name: a, switch: s}, {name: b, switch: s, mac: "
		 "\"02:00:00:00:00:0b\"}]\n",
		 "staticMacs[0].mac: the address 02:00:00:00:00:0b on switch "
		 "s is that of port b"},
		{NULL, NULL},
	};

	assert_all_bad(cases);
}

static void what_yaml_can_do_is_bounded(void **state)
{
	(void)state;
	static const struct {
		const char *text, *part;
	} cases[] = {
		{"", "t.yaml:1:1: there is no topology in it"},
		{"---\n---\n", "there is no topology"},
		{"a: [", "t.yaml:2:1: broken YAML"},
		{"a: \"\xff\"", "t.yaml:1:5: not readable"},
		{"a: \x01", "t.yaml:1:4: not readable"},
		{"a: &x [*x]", "t.yaml:1:8: the alias *x is inside of itself"},
		{"a: *x", "no anchor &x"},
		{"a: !!binary x", "the tag tag:yaml.org,2002:binary cannot"},
		{"a: !foo x", "the tag !foo cannot"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "deeper than 32"},
		{"- &a [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n"
		 "- [[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]\n",
		 "t.yaml:2:19: nested deeper than 32"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_finding(cases[i].text, cases[i].part);
	assert_findings(HEAD "  on: 1\n  ? [a]\n  : 1\n  <<: {}\n",
			"t.yaml:5:3: the key on is not a string in YAML 1.1 "
			"(put it in quotes)\n"
			"t.yaml:6:5: a key must be a word, not a list or a "
			"mapping\n"
			"t.yaml:8:3: merge keys (<<) cannot be used here "
			"(repeat the keys, or use an alias for the whole "
			"value)\n");
}

static void aliases_are_counted_where_they_are_used(void **state)
{
	(void)state;
	_cleanup_strbuf_ struct strbuf b = {0};

	strbuf_add(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++) {
		strbuf_addf(&b, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			strbuf_addf(&b, "%s*a%d", j ? ", " : "", i - 1);
		strbuf_add(&b, "]\n");
	}
	assert_finding(b.data, "too much: more than 4194304 values");
}

static void aliases_are_what_they_stand_for(void **state)
{
	(void)state;
	struct topologies set = good(
		HEAD "  switches: [{name: &s vale0}]\n"
		     "  ports: [{name: a, switch: *s, slots: &n 16},"
		     " {name: b, switch: *s, slots: *n}]\n"
		     "---\n" HEAD "  switches: [{name: !!str 5}]\n...\n---\n");

	assert_int_equal(set.count, 2);
	assert_int_equal(set.list[0].objects.ports[1].slots, 16);
	assert_string_equal(set.list[1].objects.switches[0].name, "5");
	topologies_fini(&set);
}

static void json_escapes_beyond_the_first_plane(void **state)
{
	(void)state;
	struct topologies set =
		good(" {\"apiVersion\": \"ptnet/v1\", \"kind\": \"Topology\","
		     "\"metadata\": {\"name\": \"t\", \"description\":"
		     "\"\\ud83d\\uDE00 \\\\ud83d\\\\ude00 \\u00e4\"},"
		     "\"spec\": {}}");
	json_t *metadata = json_object_get(set.list[0].document, "metadata");

	assert_string_equal(
		json_string_value(json_object_get(metadata, "description")),
		"\xf0\x9f\x98\x80 \\ud83d\\ude00 \xc3\xa4");
	topologies_fini(&set);
	assert_finding("{a: \"\\ud83d\"}", "invalid Unicode");
}

static void too_much_is_refused_unread(void **state)
{
	(void)state;
	_cleanup_free_ char *text = malloc(TOPOLOGY_INPUT_MAX + 1);
	_cleanup_free_ char *got = NULL;

	memset(text, '#', TOPOLOGY_INPUT_MAX + 1);
	got = findings_of(text, TOPOLOGY_INPUT_MAX + 1);
	assert_string_equal(got, "t.yaml: larger than 16 MiB\n");
}

static void a_source_is_taken_whole_or_not_at_all(void **state)
{
	(void)state;
	struct topologies set = good(HEAD "  pipes: [{name: p}]\n");
	struct diags d = {0};

	assert_int_equal(parse(&set, HEAD "  {}\n---\n" HEAD "  x: 1\n", &d),
			 -EINVAL);
	assert_int_equal(set.count, 1);
	assert_int_equal(d.count, 1);
	diags_fini(&d);
	topologies_fini(&set);
}

static void two_topologies_claim_nothing_together(void **state)
{
	(void)state;
	static const char other[] =
		"apiVersion: ptnet/v1\nkind: Topology\nmetadata: {name: u}\n"
		"spec:\n  switches: [{name: s}]\n  vms:\n"
		"  - {name: v, interfaces: [{name: j, nic: eth0}]}\n";
	struct topologies set =
		good(HEAD "  switches: [{name: s}]\n"
			  "  nics: [{device: eth0}]\n"
			  "  vms: [{name: v, interfaces: [{name: i, switch: "
			  "s}]}]\n");
	struct diags d = {0};

	assert_int_equal(topologies_check(&set, &d), 0);
	assert_int_equal(
		topologies_parse(&set, other, strlen(other), "u.yaml", &d), 0);
	assert_int_equal(topologies_check(&set, &d), -EINVAL);
	assert_int_equal(d.count, 3);
	assert_string_equal(d.list[0].path, "spec.switches[0].name");
	assert_string_equal(d.list[0].file, "u.yaml");
	assert_int_equal(d.list[0].line, 5);
	assert_string_equal(d.list[0].message,
			    "the switch s is already declared by topology t at "
			    "t.yaml, line 5, column 21");
	assert_non_null(strstr(d.list[1].message, "the device eth0"));
	assert_non_null(strstr(d.list[2].message, "the VM v"));
	diags_fini(&d);

	set.list[1].name[0] = 't';
	assert_int_equal(topologies_check(&set, &d), -EINVAL);
	assert_non_null(strstr(d.list[0].message, "the topology t"));
	diags_fini(&d);
	topologies_fini(&set);
}

/* The same words as in PyYAML, which test_schema.py asks for many more. */
static void plain_words_are_what_yaml_1_1_says(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum scalar_type type;
		int64_t integer;
	} cases[] = {
		{"", SCALAR_NULL, 0},
		{"~", SCALAR_NULL, 0},
		{"Null", SCALAR_NULL, 0},
		{"nULL", SCALAR_STRING, 0},
		{"yes", SCALAR_BOOL, 0},
		{"Off", SCALAR_BOOL, 0},
		{"y", SCALAR_STRING, 0},
		{"yEs", SCALAR_STRING, 0},
		{"0", SCALAR_INT, 0},
		{"-12", SCALAR_INT, -12},
		{"010", SCALAR_INT, 8},
		{"08", SCALAR_STRING, 0},
		{"0o10", SCALAR_STRING, 0},
		{"0x1F", SCALAR_INT, 31},
		{"0b11", SCALAR_INT, 3},
		{"1_000", SCALAR_INT, 1000},
		{"1:30", SCALAR_INT, 90},
		{"01:30", SCALAR_STRING, 0},
		{"1:60", SCALAR_STRING, 0},
		{"1e3", SCALAR_STRING, 0},
		{"1.5", SCALAR_FLOAT, 0},
		{"1.0e+3", SCALAR_FLOAT, 0},
		{".5", SCALAR_FLOAT, 0},
		{"-.inf", SCALAR_FLOAT, 0},
		{".", SCALAR_STRING, 0},
		{"1:30.5", SCALAR_FLOAT, 0},
		{"-", SCALAR_STRING, 0},
		{"2026-01-31", SCALAR_DATE, 0},
		{"2026-1-31", SCALAR_STRING, 0},
		{"99999999999999999999", SCALAR_INT, INT64_MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scalar s =
			scalar_resolve(cases[i].text, strlen(cases[i].text));

		assert_int_equal(s.type, cases[i].type);
		assert_true(s.integer == cases[i].integer);
	}
}

/* Not a speed test: quadratic steps would take minutes, not seconds. */
static void a_big_document_is_no_trouble(void **state)
{
	(void)state;
	enum { MANY = 20000 };
	_cleanup_strbuf_ struct strbuf b = {0};
	struct topologies set;

	strbuf_add(&b, HEAD "  switches:\n");
	for (int i = 0; i < MANY; i++)
		strbuf_addf(&b, "  - name: s%d\n", i);
	strbuf_add(&b, "  ports:\n");
	for (int i = 0; i < MANY; i++)
		strbuf_addf(&b, "  - {name: p%d, switch: s%d}\n", i, i);
	set = good(b.data);
	assert_int_equal(set.list[0].objects.n_ports, MANY);
	assert_int_equal(topologies_check(&set, NULL), 0);
	topologies_fini(&set);
}

static int print_verdict(const char *text, size_t len)
{
	_cleanup_free_ char *lines = findings_of(text, len), *line = NULL;
	_cleanup_json_ json_t *list = json_array();
	char *rest = lines, *one;

	while ((one = strsep(&rest, "\n")) && *one)
		json_array_append_new(list, json_string(one));
	line = json_write(list);
	return puts(line);
}

static int print_verdicts(void)
{
	_cleanup_free_ char *text = NULL;
	size_t len, at = 0;

	if (fd_read_all(0, SIZE_MAX / 2, &text, &len))
		return 1;
	while (at < len) {
		size_t n = strnlen(text + at, len - at);

		if (print_verdict(text + at, n) < 0)
			return 1;
		at += n + 1;
	}
	return 0;
}

static void add_defaults(json_t *object, const struct shape *shape)
{
	for (const struct shape_field *f = shape->fields; f->name; f++) {
		if (f->type == SHAPE_BOOL)
			json_object_set_new(object, f->name,
					    json_boolean(f->fallback));
		else if (f->has_fallback)
			json_object_set_new(object, f->name,
					    json_integer(f->fallback));
		else if (f->fallback_text)
			json_object_set_new(object, f->name,
					    json_string(f->fallback_text));
		if (f->of)
			add_defaults(object, f->of);
	}
}

static int print_defaults(void)
{
	_cleanup_json_ json_t *object = json_object();
	_cleanup_free_ char *text = NULL;

	add_defaults(object, &topology_shape);
	text = json_write(object);
	return puts(text) < 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_filled_in),
		cmocka_unit_test(vms_and_nics_are_ports),
		cmocka_unit_test(declarations_keep_their_places),
		cmocka_unit_test(the_document_is_canonical),
		cmocka_unit_test(all_findings_come_at_once_in_order),
		cmocka_unit_test(types_and_ranges),
		cmocka_unit_test(a_port_has_one_place),
		cmocka_unit_test(references_lead_somewhere),
		cmocka_unit_test(keys_are_words),
		cmocka_unit_test(nothing_is_taken_twice),
		cmocka_unit_test(what_yaml_can_do_is_bounded),
		cmocka_unit_test(aliases_are_counted_where_they_are_used),
		cmocka_unit_test(aliases_are_what_they_stand_for),
		cmocka_unit_test(json_escapes_beyond_the_first_plane),
		cmocka_unit_test(too_much_is_refused_unread),
		cmocka_unit_test(a_source_is_taken_whole_or_not_at_all),
		cmocka_unit_test(two_topologies_claim_nothing_together),
		cmocka_unit_test(plain_words_are_what_yaml_1_1_says),
		cmocka_unit_test(a_big_document_is_no_trouble),
	};

	if (argc > 1 && strcmp(argv[1], "--verdict") == 0)
		return print_verdicts();
	if (argc > 1 && strcmp(argv[1], "--defaults") == 0)
		return print_defaults();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
