// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/wait.h>

#include <ptnet/netmap.h>

#include "ptnpci.h"

enum {
	MEMORY_ID = 7,
	NIF_SIZE = 1024,
	BUF_SIZE = 2048,
	RING_ALIGN = 128,
	HEADERS = 12,
	TURN = 64, /* slots at a time */
};

/* Registers of the network devices, and what is written to them. */
enum {
	FEATURES = 0,
	CONTROL = 4,
	MAC_LO = 8,
	MAC_HI = 12,
	NIFP_OFS = 24,
	TX_RINGS = 28,
	RX_RINGS = 32,
	TX_SLOTS = 36,
	RX_SLOTS = 40,
	HDR_LEN = 44,
	HOST_MEMORY = 48,
	ATOK_HIGH = 52,
	ATOK_LOW = 56,
	KTOA_HIGH = 60,
	KTOA_LOW = 64,
	KICK = 128,
	START = 1,
	STOP = 2,
};

struct ring {
	struct netmap_ring *shared;
	u32 hwcur, hwtail;
	u32 end; /* receive: behind what the guest cannot see yet */
};

struct nic {
	u32 wish, hdr_len, status;
	u32 high; /* half of a page's address, until the low one comes */
	struct nm_csb_atok *atok; /* NULL: not told */
	struct nm_csb_ktoa *ktoa;
	bool running;
	struct ring ring[VECTORS_MAX]; /* transmit first */
	unsigned long raise; /* vectors, when the lock is given back */
};

/* What is told wrong: these registers read as that, instead. */
static int nic_at = -1, memory_at = -1;
static uint nic_value, memory_value;
module_param(nic_at, int, 0644);
module_param(nic_value, uint, 0644);
module_param(memory_at, int, 0644);
module_param(memory_value, uint, 0644);

static ulong moved, kicks, raised, bad;
module_param(moved, ulong, 0444);
module_param(kicks, ulong, 0444);
module_param(raised, ulong, 0444);
module_param(bad, ulong, 0444);

static char *mem;
static u64 mem_bytes;
static u32 rings, slots;
static u32 ring_pool, ring_size, buf_pool, bufs;
static struct nic nics[NICS];
/* Taken for each access and each turn: a device that stopped has stopped. */
static DEFINE_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(wait);
static bool kicked;
static struct task_struct *mover;

/* The netmap memory */

static u32 nif_ofs(u32 nic)
{
	return nic * NIF_SIZE;
}

static struct netmap_ring *ring_at(u32 nic, u32 i)
{
	return (void *)(mem + ring_pool + (nic * 2 * rings + i) * ring_size);
}

static void make_ring(u32 nic, u32 i, u32 *buf)
{
	struct netmap_ring *r = ring_at(nic, i);
	const bool is_tx = i < rings;

	r->buf_ofs = mem + buf_pool - (char *)r;
	r->num_slots = slots;
	r->nr_buf_size = BUF_SIZE;
	r->ringid = i % rings;
	r->dir = !is_tx;
	r->tail = is_tx ? slots - 1 : 0;
	for (u32 s = 0; s < slots; s++)
		r->slot[s].buf_idx = (*buf)++;
	nics[nic].ring[i] = (struct ring){
		.shared = r,
		.hwtail = r->tail,
	};
}

/* One host ring of each direction lies in between, which nobody has. */
static void make_nif(u32 nic)
{
	struct netmap_if *n = (void *)(mem + nif_ofs(nic));

	snprintf(n->ni_name, sizeof(n->ni_name), "vale7:%u", nic);
	n->ni_version = NETMAP_API;
	n->ni_tx_rings = n->ni_rx_rings = rings;
	n->ni_host_tx_rings = n->ni_host_rx_rings = 1;
	for (u32 i = 0; i < 2 * rings; i++)
		n->ring_ofs[i + (i >= rings)] =
			(char *)ring_at(nic, i) - (char *)n;
}

static int make_memory(phys_addr_t at)
{
	u32 buf = NM_BUF_RESERVED;

	ring_pool = PAGE_SIZE + RING_ALIGN; /* on no page's begin */
	ring_size = ALIGN(sizeof(struct netmap_ring) +
				  slots * sizeof(struct netmap_slot),
			  RING_ALIGN);
	buf_pool = PAGE_ALIGN(ring_pool + NICS * 2 * rings * ring_size);
	bufs = NM_BUF_RESERVED + NICS * 2 * rings * slots;
	mem_bytes = PAGE_ALIGN(buf_pool + (u64)bufs * BUF_SIZE);
	if (mem_bytes > MEMORY_BYTES)
		return -E2BIG;
	mem = memremap(at, MEMORY_BYTES, MEMREMAP_WB);
	if (!mem)
		return -ENOMEM;
	memset(mem, 0, MEMORY_BYTES);
	for (u32 nic = 0; nic < NICS; nic++) {
		make_nif(nic);
		for (u32 i = 0; i < 2 * rings; i++)
			make_ring(nic, i, &buf);
	}
	return 0;
}

/* Frames */

static u32 next(u32 i)
{
	return i + 1 == slots ? 0 : i + 1;
}

static u32 prev(u32 i)
{
	return i ? i - 1 : slots - 1;
}

static void ask_guest(struct nic *n, u32 i)
{
	smp_mb(); /* with the guest's, between need_kick and its look */
	if (READ_ONCE(n->atok[i].appl_need_kick))
		n->raise |= BIT(i);
}

static void show(struct nic *n, u32 i)
{
	WRITE_ONCE(n->ktoa[i].hwcur, n->ring[i].hwcur);
	smp_store_release(&n->ktoa[i].hwtail, n->ring[i].hwtail);
	ask_guest(n, i);
}

static u32 head_of(struct nic *n, u32 i)
{
	const u32 head = smp_load_acquire(&n->atok[i].head);

	if (head < slots)
		return head;
	bad++;
	return n->ring[i].hwcur;
}

static bool copy_slot(const struct netmap_slot *from, struct netmap_slot *to)
{
	if (from->buf_idx >= bufs || to->buf_idx >= bufs ||
	    from->buf_idx < NM_BUF_RESERVED || to->buf_idx < NM_BUF_RESERVED ||
	    from->len > BUF_SIZE) {
		bad++;
		return false;
	}
	memcpy(mem + buf_pool + (size_t)to->buf_idx * BUF_SIZE,
	       mem + buf_pool + (size_t)from->buf_idx * BUF_SIZE, from->len);
	to->len = from->len;
	to->flags = from->flags & NS_MOREFRAG;
	return true;
}

/* Nothing is dropped while the other one runs: a full ring makes wait. */
static bool put_slot(struct nic *to, u32 i, const struct netmap_slot *from)
{
	struct ring *r = &to->ring[i];

	if (next(r->end) == head_of(to, i))
		return false;
	if (!copy_slot(from, &r->shared->slot[r->end]))
		return true;
	r->end = next(r->end);
	if (!(from->flags & NS_MOREFRAG))
		r->hwtail = r->end; /* whole frames can be seen */
	return true;
}

/* How many slots of ring i went on. */
static u32 move(struct nic *from, struct nic *to, u32 i)
{
	struct ring *tx = &from->ring[i];
	const u32 head = head_of(from, i), rx = rings + i;
	u32 n = 0;

	for (; tx->hwcur != head && n < TURN; n++) {
		if (to->running &&
		    !put_slot(to, rx, &tx->shared->slot[tx->hwcur]))
			break;
		tx->hwcur = next(tx->hwcur);
	}
	if (!n)
		return 0;
	tx->hwtail = prev(tx->hwcur);
	show(from, i);
	if (to->running) {
		to->ring[rx].hwcur = head_of(to, rx);
		show(to, rx);
	}
	moved += n;
	return n;
}

static u32 move_all(void)
{
	u32 n = 0;

	for (u32 nic = 0; nic < NICS; nic++)
		for (u32 i = 0; nics[nic].running && i < rings; i++)
			n += move(&nics[nic], &nics[NICS - 1 - nic], i);
	return n;
}

static void raise(void)
{
	for (u32 nic = 0; nic < NICS; nic++) {
		unsigned long vectors = xchg(&nics[nic].raise, 0);
		u32 i;

		for_each_set_bit(i, &vectors, VECTORS_MAX)
		{
			raised++;
			bus_interrupt(NIC + nic, i);
		}
	}
}

static void want_kicks(u32 need)
{
	for (u32 nic = 0; nic < NICS; nic++)
		for (u32 i = 0; nics[nic].running && i < 2 * rings; i++)
			WRITE_ONCE(nics[nic].ktoa[i].kern_need_kick, need);
	smp_mb(); /* with the guest's, between its head and need_kick */
}

/* True when there was something. */
static bool turn(bool sleeps)
{
	unsigned long flags;
	u32 n;

	spin_lock_irqsave(&lock, flags);
	want_kicks(sleeps);
	n = move_all();
	spin_unlock_irqrestore(&lock, flags);
	raise();
	return n;
}

/* It sleeps without a time-out: a wake-up that is lost is one for ever. */
static int run(void *arg)
{
	while (!kthread_should_stop()) {
		if (turn(false) || turn(true)) {
			cond_resched();
			continue;
		}
		wait_event_interruptible(wait, xchg(&kicked, false) ||
						       kthread_should_stop());
	}
	return 0;
}

static void wake(struct irq_work *work)
{
	WRITE_ONCE(kicked, true);
	wake_up(&wait);
}

/* Traps are like NMIs, which wake nobody. */
static DEFINE_IRQ_WORK(waker, wake);

/* Registers */

static void *page_of(u32 high, u32 low)
{
	const u64 at = (u64)high << 32 | low;

	return at && !(at % PAGE_SIZE) && pfn_valid(PHYS_PFN(at))
		       ? phys_to_virt(at)
		       : NULL;
}

/* Rings go on where they were; what was under way is forgotten. */
static u32 start(struct nic *n)
{
	if (!n->atok || !n->ktoa)
		return EINVAL;
	for (u32 i = 0; i < 2 * rings; i++) {
		struct ring *r = &n->ring[i];

		r->end = r->hwtail;
		n->atok[i].head = n->atok[i].cur = r->hwcur;
		n->ktoa[i].hwcur = r->hwcur;
		n->ktoa[i].hwtail = r->hwtail;
	}
	n->running = true;
	return 0;
}

/* What the guest has read it does not get again. */
static void stop(struct nic *n)
{
	for (u32 i = rings; n->running && i < 2 * rings; i++)
		n->ring[i].hwcur = head_of(n, i);
	n->running = false;
}

static void control(struct nic *n, u32 command)
{
	stop(n);
	n->status = 0;
	if (command == START)
		n->status = start(n);
	else if (command != STOP)
		n->status = EINVAL;
}

static void write_nic(struct nic *n, u32 at, u32 value)
{
	switch (at) {
	case FEATURES:
		n->wish = value & 1;
		break;
	case CONTROL:
		control(n, value);
		break;
	case HDR_LEN:
		if (!value || (value == HEADERS && n->wish))
			n->hdr_len = value;
		break;
	case ATOK_HIGH:
	case KTOA_HIGH:
		n->high = value;
		break;
	case ATOK_LOW:
		stop(n);
		n->atok = page_of(n->high, value);
		break;
	case KTOA_LOW:
		stop(n);
		n->ktoa = page_of(n->high, value);
		break;
	default:
		if (at < KICK || at >= KICK + 4 * 2 * rings)
			bad++;
		else
			kicks++;
	}
}

void host_write(int device, u32 at, u32 value)
{
	unsigned long flags;

	if (device < NIC)
		return;
	spin_lock_irqsave(&lock, flags);
	write_nic(&nics[device - NIC], at, value);
	spin_unlock_irqrestore(&lock, flags);
	irq_work_queue(&waker);
}

static u32 read_nic(u32 nic, u32 at)
{
	switch (at) {
	case FEATURES:
		return nics[nic].wish;
	case CONTROL:
		return nics[nic].status;
	case MAC_HI:
		return 0x0200;
	case MAC_LO:
		return 0x5e000a00 + nic;
	case NIFP_OFS:
		return nif_ofs(nic);
	case TX_RINGS:
	case RX_RINGS:
		return rings;
	case TX_SLOTS:
	case RX_SLOTS:
		return slots;
	case HDR_LEN:
		return nics[nic].hdr_len;
	case HOST_MEMORY:
		return MEMORY_ID;
	}
	bad++;
	return ~0;
}

static u32 read_memory(u32 at)
{
	const u32 registers[] = {
		[0] = lower_32_bits(mem_bytes),
		[1] = upper_32_bits(mem_bytes),
		[2] = MEMORY_ID,
		[16] = 0,
		[17] = NICS,
		[18] = NIF_SIZE,
		[19] = ring_pool,
		[20] = NICS * 2 * rings,
		[21] = ring_size,
		[22] = buf_pool,
		[23] = bufs,
		[24] = BUF_SIZE,
	};

	return at / 4 < ARRAY_SIZE(registers) ? registers[at / 4] : ~0;
}

u32 host_read(int device, u32 at)
{
	unsigned long flags;
	u32 value;

	if (device == MEMORY)
		return at == memory_at ? memory_value : read_memory(at);
	if (at == nic_at)
		return nic_value;
	spin_lock_irqsave(&lock, flags);
	value = read_nic(device - NIC, at);
	spin_unlock_irqrestore(&lock, flags);
	return value;
}

bool host_quiet(int device)
{
	const struct nic *n = &nics[device - NIC];

	return !n->running && !n->atok && !n->ktoa;
}

int host_start(phys_addr_t memory, u32 n_rings, u32 n_slots)
{
	int err;

	rings = n_rings;
	slots = n_slots;
	err = make_memory(memory);
	if (err)
		return err;
	mover = kthread_run(run, NULL, "ptnpci");
	if (!IS_ERR(mover))
		return 0;
	memunmap(mem);
	return PTR_ERR(mover);
}

void host_end(void)
{
	irq_work_sync(&waker);
	kthread_stop(mover);
	memunmap(mem);
}
