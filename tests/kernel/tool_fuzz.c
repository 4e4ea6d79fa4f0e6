/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that mean no good, several at once, at /dev/netmap: requests with
 * random contents, half of them nearly right, options that loop or overlap,
 * pointers to nowhere, rings and CSBs scribbled over between and during
 * syncs; and now and then one is killed in the middle of it. Afterwards the
 * device must still do its work, and what outlives its programs (devices on
 * switches, persistent ports) must go when it is told to.
 *
 *	tool_fuzz SECONDS [SEED]
 *
 * What the kernel says of it is for who runs the guest to see.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ptnet/netmap.h>
#include <ptnet/request.h>

enum { PROCESSES = 4, FILES = 6, PAGES = 64, PAGE = 4096, TURN_MS = 300 };

/* One open descriptor, and what is mapped of it. */
struct file {
	int fd; /* -1: not open */
	char *map;
	size_t bytes;
	uint64_t offset; /* of the netmap_if */
};

static uint64_t state;
static struct file files[FILES];
static char *pages; /* for bodies, options, CSBs, EXTMEM; some unmapped */

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(next() >> 11) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* Numbers that have broken programs before, or small ones, or any. */
static uint64_t number(void)
{
	static const uint64_t odd[] = {
		0,	    1,		2,	    15,		 16,
		17,	    63,		64,	    65,		 1023,
		1024,	    4095,	4096,	    4097,	 65535,
		65536,	    0x7fffffff, 0x80000000, 0xffffffff,	 0x100000000,
		1ULL << 47, 1ULL << 63, ~0ULL,	    ~0ULL - 4095};

	if (one_in(3))
		return odd[below(sizeof(odd) / sizeof(odd[0]))];
	return one_in(2) ? below(32) : next();
}

/* An address that may be anything; mostly one of our own pages. */
static char *somewhere(void)
{
	if (one_in(12))
		return (char *)(uintptr_t)(0xffff888000000000ULL +
					   next() % 65536);
	if (one_in(12))
		return (char *)(uintptr_t)number();
	return pages + below(PAGES) * PAGE +
	       (one_in(3) ? below(PAGE) : 64 * below(PAGE / 64));
}

static void name(char *out, size_t size)
{
	static const char *const names[] = {"vale0:a",
					    "vale0:b",
					    "vale1:a",
					    "vale0:",
					    "vale:x",
					    "p{1",
					    "p}1",
					    "vale0:a{1",
					    "vale0:a}1",
					    "v0",
					    "vale0:v0",
					    "veth0",
					    "vale0:veth0",
					    "lo",
					    "",
					    "q{",
					    "}",
					    "vale0:a:b",
					    "nothing",
					    "vale0:0123456789abcdef",
					    "p{1/r",
					    "vale0:a@3",
					    "vale0:a^",
					    "p{zz"};

	memset(out, 0, size);
	strncpy(out, names[below(sizeof(names) / sizeof(names[0]))], size - 1);
	if (one_in(20))
		memset(out, 'x', size); /* no end */
	if (one_in(20))
		out[below((uint32_t)size)] = (char)next();
}

static struct file *any_file(void)
{
	struct file *f = &files[below(FILES)];

	if (f->fd < 0)
		f->fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);
	return f;
}

/* Options */

static void fill_option(struct nmreq_option *o, uint32_t type)
{
	uint64_t *const words = (void *)(o + 1);

	o->nro_reqtype = one_in(10) ? (uint32_t)number() : type;
	o->nro_status = (uint32_t)number();
	o->nro_size = one_in(2) ? 24 + 8 * below(8) : number();
	for (int i = 0; i < 9; i++)
		words[i] = one_in(2) ? 0 : number();
	if (type == NETMAP_REQ_OPT_CSB && !one_in(4)) {
		words[0] = (uintptr_t)pages;
		words[1] = (uintptr_t)pages + PAGE;
	}
	if (type == NETMAP_REQ_OPT_EXTMEM) {
		struct nmreq_opt_extmem *e = (void *)o;

		e->nro_usrptr = (uintptr_t)(one_in(3) ? somewhere() : pages);
		e->nro_info.nr_memsize = one_in(2) ? PAGES * PAGE : number();
	}
	if (type == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS && one_in(2))
		for (int i = 0; i < 4; i++)
			words[i] = (uint64_t)eventfd(0, EFD_NONBLOCK);
	if (type == NETMAP_REQ_OPT_SYNC_KLOOP_MODE)
		words[0] = below(4);
}

/* A list; perhaps one that bites its tail or runs into nowhere. */
static uint64_t options(void)
{
	char *at = pages + 8 * PAGE;
	struct nmreq_option *first = NULL, *last = NULL;

	for (uint32_t n = below(4); n; n--) {
		struct nmreq_option *o = (void *)at;

		fill_option(o, 1 + below(NETMAP_REQ_OPT_MAX));
		o->nro_next = 0;
		if (last)
			last->nro_next = (uintptr_t)o;
		else
			first = o;
		last = o;
		at += one_in(6) ? 8 * below(12) : 128;
	}
	if (last && one_in(6))
		last->nro_next =
			(uintptr_t)(one_in(2) ? (char *)first : somewhere());
	return (uintptr_t)first;
}

/* Requests */

static void fill_register(struct nmreq_register *r)
{
	memset(r, 0, sizeof(*r));
	r->nr_mode = one_in(8) ? (uint32_t)number() : below(9);
	r->nr_flags = one_in(3) ? number() : 0;
	r->nr_ringid = one_in(3) ? (uint16_t)number() : 0;
	r->nr_tx_slots = one_in(4) ? (uint32_t)number() : 0;
	r->nr_rx_slots = one_in(4) ? (uint32_t)number() : 0;
	r->nr_tx_rings = one_in(4) ? (uint16_t)below(20) : 0;
	r->nr_rx_rings = one_in(4) ? (uint16_t)below(20) : 0;
	r->nr_host_tx_rings = one_in(6) ? (uint16_t)below(20) : 0;
	r->nr_mem_id = one_in(5) ? (uint16_t)below(6) : 0;
	r->nr_extra_bufs = one_in(4) ? (uint32_t)number() : below(64);
	if (one_in(3))
		r->nr_flags |= NR_EXCLUSIVE;
}

static void map(struct file *f, uint64_t size, uint64_t offset)
{
	void *at;

	if (f->map)
		munmap(f->map, f->bytes);
	f->map = NULL;
	if (one_in(10))
		size = number() % (1 << 28);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
		  one_in(10) ? (off_t)(below(64) * PAGE) : 0);
	if (at == MAP_FAILED)
		return;
	f->map = at;
	f->bytes = size;
	f->offset = offset;
}

static void request(void)
{
	struct file *f = any_file();
	struct nmreq_header h = {.nr_version = NETMAP_API};
	uint64_t *body = (void *)(pages + 4 * PAGE);
	int err;

	h.nr_reqtype = (uint16_t)(one_in(3) ? NETMAP_REQ_REGISTER
					    : below(NETMAP_REQ_MAX + 2));
	if (one_in(30))
		h.nr_version = (uint16_t)number();
	if (one_in(30))
		h.nr_reserved = (uint32_t)number();
	name(h.nr_name, sizeof(h.nr_name));
	for (int i = 0; i < 16; i++)
		body[i] = one_in(2) ? 0 : number();
	if (h.nr_reqtype == NETMAP_REQ_REGISTER ||
	    h.nr_reqtype == NETMAP_REQ_VALE_ATTACH)
		fill_register((void *)body);
	if (h.nr_reqtype == NETMAP_REQ_PORT_HDR_SET)
		body[0] = below(14);
	if (h.nr_reqtype == NETMAP_REQ_SYNC_KLOOP_START)
		body[0] = below(2000);
	h.nr_body = (uintptr_t)(one_in(15) ? somewhere() : (char *)body);
	if (h.nr_reqtype == NETMAP_REQ_VALE_DELIF ||
	    h.nr_reqtype == NETMAP_REQ_SYNC_KLOOP_STOP ||
	    h.nr_reqtype == NETMAP_REQ_CSB_ENABLE)
		h.nr_body = one_in(8) ? h.nr_body : 0;
	if (one_in(3))
		h.nr_options = options();
	if (one_in(40))
		h.nr_options = (uintptr_t)somewhere();
	err = ioctl(f->fd, NIOCCTRL, one_in(40) ? (void *)somewhere() : &h);
	if (!err && h.nr_reqtype == NETMAP_REQ_REGISTER) {
		const struct nmreq_register *r = (void *)body;

		map(f, r->nr_memsize, r->nr_offset);
	}
}

static void legacy(void)
{
	struct nmreq r;
	struct file *f = any_file();
	uint32_t *const words = (void *)&r;

	memset(&r, 0, sizeof(r));
	for (size_t i = 4; i < sizeof(r) / 4; i++)
		words[i] = one_in(3) ? (uint32_t)number() : 0;
	name(r.nr_name, sizeof(r.nr_name));
	r.nr_version = one_in(20) ? (uint32_t)number() : NETMAP_API;
	r.nr_cmd = one_in(2) ? 0 : (uint16_t)below(14);
	if (!ioctl(f->fd, one_in(2) ? NIOCGINFO : NIOCREGIF, &r) && one_in(2))
		map(f, r.nr_memsize, r.nr_offset);
}

static void anything(void)
{
	ioctl(any_file()->fd,
	      one_in(2) ? _IOC(below(4), 'i', 140 + below(16), below(1 << 14))
			: (unsigned long)number(),
	      somewhere());
}

/* Memory */

static uint32_t *word_in(const struct file *f)
{
	const size_t ring_area = f->bytes < (1 << 20) ? f->bytes : 1 << 20;
	size_t at = one_in(4) ? next() % f->bytes : next() % ring_area;

	if (one_in(2) && f->offset + 256 < f->bytes)
		at = f->offset + below(256);
	return (uint32_t *)(void *)(f->map + at / 4 * 4 % (f->bytes - 4));
}

/* The rings of the interface object, as far as they can be believed. */
static void scribble_ring(const struct file *f)
{
	const struct netmap_if *n = (void *)(f->map + f->offset);
	const int64_t ofs = n->ring_ofs[below(4)];
	const uint64_t at = f->offset + (uint64_t)ofs;
	struct netmap_ring *r = (void *)(f->map + at);

	if (!ofs || at % 128 || at + 2 * PAGE > f->bytes)
		return;
	for (uint32_t n_slots = below(40); n_slots; n_slots--) {
		struct netmap_slot *s = &r->slot[below(256)];

		if (one_in(2))
			s->len = (uint16_t)number();
		if (one_in(3))
			s->flags = (uint16_t)number();
		if (one_in(4))
			s->buf_idx = (uint32_t)number();
		if (one_in(4))
			s->ptr = (uintptr_t)somewhere();
	}
	if (one_in(3)) {
		r->head = (uint32_t)number();
		r->cur = (uint32_t)number();
		r->tail = (uint32_t)number();
		r->flags = (uint32_t)number();
	} else { /* hand over what there is */
		r->head = r->cur = r->tail;
	}
}

static void scribble(void)
{
	struct file *f = &files[below(FILES)];
	uint32_t *csb = (void *)pages;

	for (int i = 0; i < 16; i++)
		csb[below(2 * PAGE / 4)] = (uint32_t)number();
	if (!f->map || f->bytes < 8 * PAGE)
		return;
	if (!one_in(3) && f->offset + 512 < f->bytes) {
		scribble_ring(f);
		return;
	}
	for (int i = 0; i < 16; i++)
		*word_in(f) = (uint32_t)number();
}

static void sync_or_wait(void)
{
	struct file *f = any_file();
	struct pollfd p = {.fd = f->fd, .events = (short)below(64)};

	switch (below(3)) {
	case 0:
		ioctl(f->fd, NIOCTXSYNC, NULL);
		break;
	case 1:
		ioctl(f->fd, NIOCRXSYNC, NULL);
		break;
	default:
		poll(&p, 1, (int)below(3));
	}
}

static void end_file(void)
{
	struct file *f = &files[below(FILES)];

	if (one_in(2) && f->map) {
		munmap(f->map, f->bytes);
		f->map = NULL;
	}
	if (f->fd >= 0 && one_in(2)) {
		close(f->fd);
		f->fd = -1;
	}
}

/* Eventfds of options fill the table of descriptors. */
static void sweep(void)
{
	for (int fd = 3; fd < 256; fd++) {
		bool ours = false;

		for (int i = 0; i < FILES; i++)
			ours |= files[i].fd == fd;
		if (!ours)
			close(fd);
	}
}

static void on_alarm(int number)
{
	(void)number;
}

static void misbehave(uint64_t seed)
{
	static void (*const moves[])(void) = {
		request,      request,	    request,  legacy,	anything,
		sync_or_wait, sync_or_wait, scribble, scribble, end_file};
	struct itimerval often = {{0, 20000}, {0, 20000}};
	struct sigaction quiet = {.sa_handler = on_alarm};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGALRM, &quiet, NULL);
	setitimer(ITIMER_REAL, &often, NULL); /* out of the kernel's loop */
	state = seed | 1;
	pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	munmap(pages + 16 * PAGE, 2 * PAGE); /* a hole */
	for (int i = 0; i < FILES; i++)
		files[i].fd = -1;
	for (uint64_t i = 0;; i++) {
		moves[below(sizeof(moves) / sizeof(moves[0]))]();
		if (i % 512 == 0)
			sweep();
	}
}

/* Scribbling over what a kernel may unmap is the children's own risk. */
static pid_t start(uint64_t seed)
{
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		misbehave(seed);
	}
	return pid;
}

static int register_port(const char *port, struct nmreq_register *r)
{
	struct nmreq_header h = {.nr_version = NETMAP_API,
				 .nr_reqtype = NETMAP_REQ_REGISTER,
				 .nr_body = (uintptr_t)r};
	int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);

	memset(r, 0, sizeof(*r));
	r->nr_mode = NR_REG_ALL_NIC;
	strcpy(h.nr_name, port);
	if (fd < 0 || ioctl(fd, NIOCCTRL, &h)) {
		perror(port);
		exit(1);
	}
	return fd;
}

static struct netmap_ring *ring_of(int fd, const struct nmreq_register *r,
				   int n)
{
	char *map = mmap(NULL, r->nr_memsize, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
	struct netmap_if *nifp = (void *)(map + r->nr_offset);

	if (map == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return (void *)((char *)nifp + nifp->ring_ofs[n]);
}

/* What outlives its programs, and how it goes. */

static int ask(int fd, uint16_t type, const char *port, void *body,
	       struct nmreq_header *h)
{
	memset(h, 0, sizeof(*h));
	h->nr_version = NETMAP_API;
	h->nr_reqtype = type;
	h->nr_body = (uintptr_t)body;
	snprintf(h->nr_name, sizeof(h->nr_name), "%s", port);
	return ioctl(fd, NIOCCTRL, h);
}

static void must_go(int fd, uint16_t type, const char *port, void *body)
{
	struct nmreq_header h;

	if (!ask(fd, type, port, body, &h))
		return;
	fprintf(stderr, "%s stays: %s\n", port, strerror(errno));
	exit(1);
}

/* All that is on a switch without a program is a device that was attached. */
static void detach_all(int fd)
{
	struct nmreq_vale_list at = {0};
	struct nmreq_vale_detach detach = {0};
	struct nmreq_header h;

	while (!ask(fd, NETMAP_REQ_VALE_LIST, "", &at, &h)) {
		char port[sizeof(h.nr_name)];

		memcpy(port, h.nr_name, sizeof(port));
		must_go(fd, NETMAP_REQ_VALE_DETACH, port, &detach);
		memset(&at, 0, sizeof(at));
	}
}

static void delete_all(int fd, struct if_nameindex *before)
{
	struct if_nameindex *now = if_nameindex();

	for (struct if_nameindex *i = now; i && i->if_index; i++) {
		const struct if_nameindex *was = before;

		while (was->if_index && strcmp(was->if_name, i->if_name))
			was++;
		if (!was->if_index)
			must_go(fd, NETMAP_REQ_VALE_DELIF, i->if_name, NULL);
	}
	if_freenameindex(now);
}

static void leave_nothing(struct if_nameindex *before)
{
	int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);

	detach_all(fd);
	delete_all(fd, before);
	close(fd);
}

/* A frame from one port to another: the device does what it is for. */
static void pass_a_frame(void)
{
	struct nmreq_register a, b;
	int from = register_port("vale9:from", &a);
	int to = register_port("vale9:to", &b);
	struct netmap_ring *tx = ring_of(from, &a, 0), *rx = ring_of(to, &b, 1);
	char *frame = (char *)tx + tx->buf_ofs +
		      (size_t)tx->slot[0].buf_idx * tx->nr_buf_size;

	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 54);
	tx->slot[0].len = 60;
	tx->head = tx->cur = 1;
	if (ioctl(from, NIOCTXSYNC, NULL) || ioctl(to, NIOCRXSYNC, NULL) ||
	    rx->tail != 1 || rx->slot[0].len != 60) {
		fprintf(stderr, "no frame passes any more\n");
		exit(1);
	}
	exit(0);
}

/* By a process of its own, whose mappings go with it. */
static void still_works(void)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		pass_a_frame();
	if (waitpid(pid, &status, 0) < 0 || status)
		exit(1);
}

int main(int argc, char **argv)
{
	const int seconds = argc > 1 ? atoi(argv[1]) : 0;
	struct if_nameindex *const before = if_nameindex();
	pid_t pids[PROCESSES];
	time_t end = time(NULL) + seconds;

	state = (argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL)) |
		1;
	if (seconds < 1) {
		fprintf(stderr, "usage: tool_fuzz SECONDS [SEED]\n");
		return 2;
	}
	printf("seed %llu\n", (unsigned long long)state);
	fflush(stdout);
	still_works();
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = start(next());
	while (time(NULL) < end) {
		const uint32_t victim = below(PROCESSES);

		usleep(TURN_MS * 1000);
		kill(pids[victim], SIGKILL);
		waitpid(pids[victim], NULL, 0);
		pids[victim] = start(next());
	}
	for (int i = 0; i < PROCESSES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	still_works();
	leave_nothing(before);
	if_freenameindex(before);
	return 0;
}
