/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that mean no good, several at once, at /dev/netmap: requests with
 * random contents, half of them nearly right, options that loop or overlap,
 * pointers to nowhere, all of it changed while it is read; rings and CSBs
 * scribbled over between and during syncs; VMs' ports bound, where vm.a and
 *vm.b are some, with what is none of their business; and now and then one is
 *killed in the middle of it. Afterwards the device must still do its work, and
 *what outlives its programs (devices on switches, persistent ports) must go
 *when it is told to.
 *
 *	tool_fuzz SECONDS [SEED]
 *
 * What the kernel says of it is for who runs the guest to see.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ptnet/bind.h>
#include <ptnet/netmap.h>
#include <ptnet/region.h>
#include <ptnet/request.h>

enum {
	PROCESSES = 4,
	FILES = 6,
	PAGES = 64,
	PAGE = 4096,
	TURN_MS = 300,
	FDS_MAX = 1024,
	VM_VECTORS = 3, /* of vm.a and vm.b */
	REGION = PTN_WINDOW_AREA + (1 << 19),
};

/* One open descriptor, and what is mapped of it. */
struct file {
	int fd; /* -1: not open */
	char *map;
	size_t bytes;
	uint64_t offset; /* of the netmap_if */
};

static struct file files[FILES];
static char *pages; /* for bodies, options, CSBs, EXTMEM; some unmapped */

/* Numbers that have broken programs before, or small ones, or any. */
static uint64_t number(void)
{
	static const uint64_t odd[] = {
		0,	    1,		2,	    15,		 16,
		17,	    63,		64,	    65,		 1023,
		1024,	    4095,	4096,	    4097,	 65535,
		65536,	    0x7fffffff, 0x80000000, 0xffffffff,	 0x100000000,
		1ULL << 47, 1ULL << 63, ~0ULL,	    ~0ULL - 4095};

	if (fuzz_one_in(3))
		return odd[fuzz_below(sizeof(odd) / sizeof(odd[0]))];
	return fuzz_one_in(2) ? fuzz_below(32) : fuzz_next();
}

/* An address that may be anything; mostly one of our own pages. */
static char *somewhere(void)
{
	if (fuzz_one_in(12))
		return (char *)(uintptr_t)(0xffff888000000000ULL +
					   fuzz_next() % 65536);
	if (fuzz_one_in(12))
		return (char *)(uintptr_t)number();
	return pages + fuzz_below(PAGES) * PAGE +
	       (fuzz_one_in(3) ? fuzz_below(PAGE) : 64 * fuzz_below(PAGE / 64));
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
	strncpy(out, names[fuzz_below(sizeof(names) / sizeof(names[0]))],
		size - 1);
	if (fuzz_one_in(20))
		memset(out, 'x', size); /* no end */
	if (fuzz_one_in(20))
		out[fuzz_below((uint32_t)size)] = (char)fuzz_next();
}

static struct file *any_file(void)
{
	struct file *f = &files[fuzz_below(FILES)];

	if (f->fd < 0)
		f->fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);
	return f;
}

/* Options */

static void fill_option(struct nmreq_option *o, uint32_t type)
{
	uint64_t *const words = (void *)(o + 1);

	o->nro_reqtype = fuzz_one_in(10) ? (uint32_t)number() : type;
	o->nro_status = (uint32_t)number();
	o->nro_size = fuzz_one_in(2) ? 24 + 8 * fuzz_below(8) : number();
	for (int i = 0; i < 9; i++)
		words[i] = fuzz_one_in(2) ? 0 : number();
	if (type == NETMAP_REQ_OPT_CSB && !fuzz_one_in(4)) {
		words[0] = (uintptr_t)pages;
		words[1] = (uintptr_t)pages + PAGE;
	}
	if (type == NETMAP_REQ_OPT_EXTMEM) {
		struct nmreq_opt_extmem *e = (void *)o;

		e->nro_usrptr =
			(uintptr_t)(fuzz_one_in(3) ? somewhere() : pages);
		e->nro_info.nr_memsize = fuzz_one_in(2) ? PAGES * PAGE
							: number();
	}
	if (type == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS && fuzz_one_in(2))
		for (int i = 0; i < 4; i++)
			words[i] = (uint64_t)eventfd(0, EFD_NONBLOCK);
	if (type == NETMAP_REQ_OPT_SYNC_KLOOP_MODE)
		words[0] = fuzz_below(4);
}

/* A list; perhaps one that bites its tail or runs into nowhere. */
static uint64_t options(void)
{
	char *at = pages + 8 * PAGE;
	struct nmreq_option *first = NULL, *last = NULL;

	for (uint32_t n = fuzz_below(4); n; n--) {
		struct nmreq_option *o = (void *)at;

		fill_option(o, 1 + fuzz_below(NETMAP_REQ_OPT_MAX));
		o->nro_next = 0;
		if (last)
			last->nro_next = (uintptr_t)o;
		else
			first = o;
		last = o;
		at += fuzz_one_in(6) ? 8 * fuzz_below(12) : 128;
	}
	if (last && fuzz_one_in(6))
		last->nro_next = (uintptr_t)(fuzz_one_in(2) ? (char *)first
							    : somewhere());
	return (uintptr_t)first;
}

/* Requests */

/* Many extra buffers are 256 MiB: so many processes would take the guest's. */
static uint32_t buffers(void)
{
	return (uint32_t)number() % 8192;
}

static void fill_register(struct nmreq_register *r)
{
	memset(r, 0, sizeof(*r));
	r->nr_mode = fuzz_one_in(8) ? (uint32_t)number() : fuzz_below(9);
	r->nr_flags = fuzz_one_in(3) ? number() : 0;
	r->nr_ringid = fuzz_one_in(3) ? (uint16_t)number() : 0;
	r->nr_tx_slots = fuzz_one_in(4) ? (uint32_t)number() : 0;
	r->nr_rx_slots = fuzz_one_in(4) ? (uint32_t)number() : 0;
	r->nr_tx_rings = fuzz_one_in(4) ? (uint16_t)fuzz_below(20) : 0;
	r->nr_rx_rings = fuzz_one_in(4) ? (uint16_t)fuzz_below(20) : 0;
	r->nr_host_tx_rings = fuzz_one_in(6) ? (uint16_t)fuzz_below(20) : 0;
	r->nr_mem_id = fuzz_one_in(5) ? (uint16_t)fuzz_below(6) : 0;
	r->nr_extra_bufs = fuzz_one_in(4) ? buffers() : fuzz_below(64);
	if (fuzz_one_in(3))
		r->nr_flags |= NR_EXCLUSIVE;
}

static void map(struct file *f, uint64_t size, uint64_t offset)
{
	void *at;

	if (f->map)
		munmap(f->map, f->bytes);
	f->map = NULL;
	if (fuzz_one_in(10))
		size = number() % (1 << 28);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
		  fuzz_one_in(10) ? (off_t)(fuzz_below(64) * PAGE) : 0);
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

	h.nr_reqtype = (uint16_t)(fuzz_one_in(3)
					  ? NETMAP_REQ_REGISTER
					  : fuzz_below(NETMAP_REQ_MAX + 2));
	if (fuzz_one_in(30))
		h.nr_version = (uint16_t)number();
	if (fuzz_one_in(30))
		h.nr_reserved = (uint32_t)number();
	name(h.nr_name, sizeof(h.nr_name));
	for (int i = 0; i < 16; i++)
		body[i] = fuzz_one_in(2) ? 0 : number();
	if (h.nr_reqtype == NETMAP_REQ_REGISTER ||
	    h.nr_reqtype == NETMAP_REQ_VALE_ATTACH)
		fill_register((void *)body);
	if (h.nr_reqtype == NETMAP_REQ_PORT_HDR_SET)
		body[0] = fuzz_below(14);
	if (h.nr_reqtype == NETMAP_REQ_SYNC_KLOOP_START)
		body[0] = fuzz_below(2000);
	h.nr_body = (uintptr_t)(fuzz_one_in(15) ? somewhere() : (char *)body);
	if (h.nr_reqtype == NETMAP_REQ_VALE_DELIF ||
	    h.nr_reqtype == NETMAP_REQ_SYNC_KLOOP_STOP ||
	    h.nr_reqtype == NETMAP_REQ_CSB_ENABLE)
		h.nr_body = fuzz_one_in(8) ? h.nr_body : 0;
	if (fuzz_one_in(3))
		h.nr_options = options();
	if (fuzz_one_in(40))
		h.nr_options = (uintptr_t)somewhere();
	err = ioctl(f->fd, NIOCCTRL,
		    fuzz_one_in(40) ? (void *)somewhere() : &h);
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
		words[i] = fuzz_one_in(3) ? (uint32_t)number() : 0;
	name(r.nr_name, sizeof(r.nr_name));
	r.nr_version = fuzz_one_in(20) ? (uint32_t)number() : NETMAP_API;
	r.nr_arg3 = fuzz_one_in(4) ? buffers() : 0;
	r.nr_cmd = fuzz_one_in(2) ? 0 : (uint16_t)fuzz_below(14);
	if (!ioctl(f->fd, fuzz_one_in(2) ? NIOCGINFO : NIOCREGIF, &r) &&
	    fuzz_one_in(2))
		map(f, r.nr_memsize, r.nr_offset);
}

static void anything(void)
{
	ioctl(any_file()->fd,
	      fuzz_one_in(2) ? _IOC(fuzz_below(4), 'i', 140 + fuzz_below(16),
				    fuzz_below(1 << 14))
			     : (unsigned long)number(),
	      somewhere());
}

/* VMs: what their servers hand over, and what clients do with what they get. */

static char *region; /* of the last one */
static int vm = -1; /* its end of the connection */
static int bells[VM_VECTORS];

static int any_fd(void)
{
	if (fuzz_one_in(40))
		return (int)number();
	return fuzz_one_in(40) ? any_file()->fd : eventfd(0, EFD_NONBLOCK);
}

static void fill_bind(struct ptn_bind *b, int connection, int *own)
{
	int32_t *host = (void *)(pages + 6 * PAGE), *client = host + PAGE / 8;

	memset(b, 0, sizeof(*b));
	name(b->name, sizeof(b->name));
	if (!fuzz_one_in(8))
		strcpy(b->name, fuzz_one_in(2) ? "vm.a" : "vm.b");
	b->connection = fuzz_one_in(16) ? any_fd() : connection;
	b->vectors = fuzz_one_in(8) ? (uint32_t)number() : VM_VECTORS;
	b->host_fds = (uintptr_t)(fuzz_one_in(16) ? somewhere() : (char *)host);
	b->client_fds =
		(uintptr_t)(fuzz_one_in(16) ? somewhere() : (char *)client);
	for (int i = 0; i < VM_VECTORS; i++) {
		own[i] = host[i] = any_fd();
		client[i] = any_fd();
	}
}

static void end_vm(void)
{
	if (vm >= 0)
		close(vm);
	vm = -1;
	if (region)
		munmap(region, REGION);
	region = NULL;
}

static void begin_vm(int end, int memory, const int *own)
{
	vm = end;
	memcpy(bells, own, sizeof(bells));
	region = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
		      0);
	region = region == MAP_FAILED ? NULL : region;
}

static void bind_vm(void)
{
	struct ptn_bind *b = (void *)(pages + 4 * PAGE);
	int ends[2], own[VM_VECTORS];

	if (!fuzz_one_in(4))
		end_vm();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	fill_bind(b, ends[0], own);
	if (ioctl(any_file()->fd, PTN_IOCBIND,
		  fuzz_one_in(20) ? (void *)somewhere() : b)) {
		close(ends[1]);
	} else {
		const int memory = b->memory;

		end_vm();
		begin_vm(ends[1], memory, own);
		close(memory);
	}
	close(ends[0]);
}

static void be_a_vm(void)
{
	struct ptn_control *c;
	const uint64_t one = 1;

	if (!region)
		return;
	c = (void *)(region + fuzz_below(2) * 2 * PTN_WINDOW_SIZE +
		     PTN_WINDOW_CONTROL);
	c->cmd = fuzz_one_in(8) ? (uint32_t)number() : 1 + fuzz_below(4);
	c->seq++;
	for (int i = 0; i < 8; i++) {
		const uint64_t at = fuzz_one_in(2)
					    ? PTN_WINDOW_ATOK + fuzz_below(128)
					    : fuzz_below(REGION);

		*(uint32_t *)(void *)(region + at / 4 * 4) = (uint32_t)number();
	}
	for (int i = 0; i < VM_VECTORS; i++)
		if (write(bells[i], &one, sizeof(one)) < 0)
			return;
}

/* Memory */

static uint32_t *word_in(const struct file *f)
{
	const size_t ring_area = f->bytes < (1 << 20) ? f->bytes : 1 << 20;
	size_t at = fuzz_one_in(4) ? fuzz_next() % f->bytes
				   : fuzz_next() % ring_area;

	if (fuzz_one_in(2) && f->offset + 256 < f->bytes)
		at = f->offset + fuzz_below(256);
	return (uint32_t *)(void *)(f->map + at / 4 * 4 % (f->bytes - 4));
}

/* The rings of the interface object, as far as they can be believed. */
static void scribble_ring(const struct file *f)
{
	const struct netmap_if *n = (void *)(f->map + f->offset);
	const int64_t ofs = n->ring_ofs[fuzz_below(4)];
	const uint64_t at = f->offset + (uint64_t)ofs;
	struct netmap_ring *r = (void *)(f->map + at);

	if (!ofs || at % 128 || at + 2 * PAGE > f->bytes)
		return;
	for (uint32_t n_slots = fuzz_below(40); n_slots; n_slots--) {
		struct netmap_slot *s = &r->slot[fuzz_below(256)];

		if (fuzz_one_in(2))
			s->len = (uint16_t)number();
		if (fuzz_one_in(3))
			s->flags = (uint16_t)number();
		if (fuzz_one_in(4))
			s->buf_idx = (uint32_t)number();
		if (fuzz_one_in(4))
			s->ptr = (uintptr_t)somewhere();
	}
	if (fuzz_one_in(3)) {
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
	struct file *f = &files[fuzz_below(FILES)];
	uint32_t *csb = (void *)pages;

	for (int i = 0; i < 16; i++)
		csb[fuzz_below(2 * PAGE / 4)] = (uint32_t)number();
	if (!f->map || f->bytes < 8 * PAGE)
		return;
	if (!fuzz_one_in(3) && f->offset + 512 < f->bytes) {
		scribble_ring(f);
		return;
	}
	for (int i = 0; i < 16; i++)
		*word_in(f) = (uint32_t)number();
}

static void sync_or_wait(void)
{
	struct file *f = any_file();
	struct pollfd p = {.fd = f->fd, .events = (short)fuzz_below(64)};

	switch (fuzz_below(3)) {
	case 0:
		ioctl(f->fd, NIOCTXSYNC, NULL);
		break;
	case 1:
		ioctl(f->fd, NIOCRXSYNC, NULL);
		break;
	default:
		poll(&p, 1, (int)fuzz_below(3));
	}
}

static void end_file(void)
{
	struct file *f = &files[fuzz_below(FILES)];

	if (fuzz_one_in(2) && f->map) {
		munmap(f->map, f->bytes);
		f->map = NULL;
	}
	if (f->fd >= 0 && fuzz_one_in(2)) {
		close(f->fd);
		f->fd = -1;
	}
}

/* Eventfds of options fill the table of descriptors. */
static void sweep(void)
{
	for (int fd = 3; fd < FDS_MAX; fd++) {
		bool ours = false;

		for (int i = 0; i < FILES; i++)
			ours |= files[i].fd == fd;
		if (!ours)
			close(fd);
	}
	vm = -1;
}

/* Words of requests that are read twice are not the same. */
static void *change_requests(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	uint32_t *const words = (void *)(pages + 4 * PAGE);
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL); /* it is for the other one */
	for (;;) {
		for (int i = 0; i < 8; i++)
			words[(unsigned)rand_r(&seed) % (5 * PAGE / 4)] ^=
				1U << (rand_r(&seed) % 32);
		usleep(200);
	}
	return NULL;
}

static void on_alarm(int number)
{
	(void)number;
}

/* Scribbling over what a kernel may unmap is its own risk. */
static void misbehave(int which)
{
	static void (*const moves[])(void) = {
		request,      request,	    request,  legacy,	anything,
		sync_or_wait, sync_or_wait, scribble, scribble, end_file,
		bind_vm,      be_a_vm,	    be_a_vm};
	struct itimerval often = {{0, 20000}, {0, 20000}};
	struct sigaction quiet = {.sa_handler = on_alarm};
	pthread_t thread;

	(void)which;
	signal(SIGSEGV, SIG_DFL);
	sigaction(SIGALRM, &quiet, NULL);
	setitimer(ITIMER_REAL, &often, NULL); /* out of the kernel's loop */
	pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	munmap(pages + 16 * PAGE, 2 * PAGE); /* a hole */
	for (int i = 0; i < FILES; i++)
		files[i].fd = -1;
	pthread_create(&thread, NULL, change_requests,
		       (void *)(uintptr_t)fuzz_next());
	for (uint64_t i = 0;; i++) {
		moves[fuzz_below(sizeof(moves) / sizeof(moves[0]))]();
		if (i % 512 == 0)
			sweep();
	}
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
	const int seconds = fuzz_begin(argc, argv);
	struct if_nameindex *const before = if_nameindex();

	still_works();
	fuzz_run(seconds, PROCESSES, TURN_MS, misbehave);
	still_works();
	leave_nothing(before);
	if_freenameindex(before);
	return 0;
}
