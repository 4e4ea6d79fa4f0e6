// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "krequest.h"

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kcsb.h"
#include "kfile.h"
#include "kloop.h"
#include "kregister.h"
#include "kvale.h"

#define OPTION(name) (1u << NETMAP_REQ_OPT_##name)

/* What there is to ask. */
static const struct kind {
	int (*run)(struct krequest *rq);
	u32 size; /* of the body; 0: there is none, and its pointer is NULL */
	u32 options; /* that it takes */
	bool unlocked; /* others go on at the descriptor meanwhile */
} kinds[NETMAP_REQ_MAX + 1] = {
	[NETMAP_REQ_REGISTER] = {kregister, sizeof(struct nmreq_register),
				 OPTION(EXTMEM) | OPTION(CSB) |
					 OPTION(OFFSETS)},
	[NETMAP_REQ_PORT_INFO_GET] = {kregister_port_info,
				      sizeof(struct nmreq_port_info_get)},
	[NETMAP_REQ_VALE_ATTACH] = {kvale_attach,
				    sizeof(struct nmreq_vale_attach)},
	[NETMAP_REQ_VALE_DETACH] = {kvale_detach,
				    sizeof(struct nmreq_vale_detach)},
	[NETMAP_REQ_VALE_LIST] = {kvale_list, sizeof(struct nmreq_vale_list)},
	[NETMAP_REQ_PORT_HDR_SET] = {kvale_hdr_set,
				     sizeof(struct nmreq_port_hdr)},
	[NETMAP_REQ_PORT_HDR_GET] = {kvale_hdr_get,
				     sizeof(struct nmreq_port_hdr)},
	[NETMAP_REQ_VALE_NEWIF] = {kvale_newif,
				   sizeof(struct nmreq_vale_newif)},
	[NETMAP_REQ_VALE_DELIF] = {kvale_delif},
	[NETMAP_REQ_VALE_POLLING_ENABLE] = {kvale_polling_on,
					    sizeof(struct nmreq_vale_polling)},
	[NETMAP_REQ_VALE_POLLING_DISABLE] = {kvale_polling_off,
					     sizeof(struct nmreq_vale_polling)},
	[NETMAP_REQ_POOLS_INFO_GET] = {kregister_pools_info,
				       sizeof(struct nmreq_pools_info)},
	[NETMAP_REQ_SYNC_KLOOP_START] = {kloop_start,
					 sizeof(struct nmreq_sync_kloop_start),
					 OPTION(SYNC_KLOOP_EVENTFDS) |
						 OPTION(SYNC_KLOOP_MODE),
					 .unlocked = true},
	[NETMAP_REQ_SYNC_KLOOP_STOP] = {kloop_stop, .unlocked = true},
	[NETMAP_REQ_CSB_ENABLE] = {kcsb_enable, .options = OPTION(CSB)},
};

/* Sizes of options; those that vary say theirs. */
static const size_t option_sizes[NETMAP_REQ_OPT_MAX + 1] = {
	[NETMAP_REQ_OPT_EXTMEM] = sizeof(struct nmreq_opt_extmem),
	[NETMAP_REQ_OPT_CSB] = sizeof(struct nmreq_opt_csb),
	[NETMAP_REQ_OPT_SYNC_KLOOP_MODE] =
		sizeof(struct nmreq_opt_sync_kloop_mode),
	[NETMAP_REQ_OPT_OFFSETS] = sizeof(struct nmreq_opt_offsets),
};

/* An option as it came. */
struct given {
	struct list_head node;
	struct nmreq_option __user *user;
	size_t size;
	u64 copy[]; /* struct nmreq_option_* */
};

static struct nmreq_option *option_of(struct given *g)
{
	return (struct nmreq_option *)g->copy;
}

int krefuse(int err, const char *format, ...)
{
	struct va_format text;
	va_list ap;

	va_start(ap, format);
	text.fmt = format;
	text.va = &ap;
	pr_info_ratelimited("%s[%d]: %pV\n", current->comm, current->pid,
			    &text);
	va_end(ap);
	return err;
}

/* Running */

int krequest_claim(struct krequest *rq, u32 option, int err)
{
	rq->option[option]->nro_status = -err;
	return err;
}

static const struct kind *kind_of(const struct krequest *rq)
{
	const u16 type = rq->header.nr_reqtype;

	return type && type <= NETMAP_REQ_MAX ? &kinds[type] : NULL;
}

/* One option given twice: both are told. */
static int index_options(struct krequest *rq)
{
	struct given *g;
	int err = 0;

	list_for_each_entry(g, &rq->given, node) {
		struct nmreq_option *o = option_of(g);

		o->nro_status = EOPNOTSUPP;
		if (!o->nro_reqtype || o->nro_reqtype > NETMAP_REQ_OPT_MAX)
			continue;
		if (rq->option[o->nro_reqtype]) {
			rq->option[o->nro_reqtype]->nro_status = EINVAL;
			o->nro_status = EINVAL;
			err = krefuse(-EINVAL, "option %u is given twice",
				      o->nro_reqtype);
			continue;
		}
		rq->option[o->nro_reqtype] = o;
	}
	return err;
}

static int check_options(const struct krequest *rq, u32 taken)
{
	struct given *g;

	list_for_each_entry(g, &rq->given, node) {
		const u32 type = option_of(g)->nro_reqtype;

		if (!type || type > NETMAP_REQ_OPT_MAX || !(taken & 1u << type))
			return krefuse(-EOPNOTSUPP,
				       "request %u takes no option %u",
				       rq->header.nr_reqtype, type);
	}
	return 0;
}

static int run_locked(struct krequest *rq, const struct kind *kind)
{
	struct kfile *f = rq->file;
	int err;

	if (kind->unlocked)
		return kind->run(rq);
	if (mutex_lock_interruptible(&f->lock))
		return -ERESTARTSYS;
	err = kind->run(rq);
	mutex_unlock(&f->lock);
	return err;
}

int krequest_run(struct krequest *rq)
{
	const struct kind *kind = kind_of(rq);
	int err = index_options(rq); /* first: it sets their status */

	if (!kind)
		return krefuse(-EINVAL, "there is no request %u",
			       rq->header.nr_reqtype);
	if (strnlen(rq->header.nr_name, sizeof(rq->header.nr_name)) ==
	    sizeof(rq->header.nr_name))
		return krefuse(-EINVAL, "the port's name does not end");
	if (!err)
		err = check_options(rq, kind->options);
	if (err)
		return err;
	if (!kind->run)
		return krefuse(-EOPNOTSUPP, "request %u is not supported",
			       rq->header.nr_reqtype);
	return run_locked(rq, kind);
}

/* In and out */

static int check_header(const struct krequest *rq)
{
	const struct nmreq_header *h = &rq->header;
	const struct kind *kind = kind_of(rq);

	if (h->nr_version < NETMAP_MIN_API || h->nr_version > NETMAP_MAX_API)
		return krefuse(-EINVAL, "API version %u is not %d",
			       h->nr_version, NETMAP_API);
	if (h->nr_reserved)
		return krefuse(-EINVAL, "nr_reserved is not zero");
	if (!kind)
		return krefuse(-EINVAL, "there is no request %u",
			       h->nr_reqtype);
	if (!h->nr_body != !kind->size)
		return krefuse(-EINVAL, "request %u has %s body", h->nr_reqtype,
			       kind->size ? "a" : "no");
	return 0;
}

static int take_option(struct krequest *rq, struct nmreq_option __user *user,
		       const struct nmreq_option *head, size_t size)
{
	struct given *g =
		kzalloc(struct_size(g, copy, DIV_ROUND_UP(size, sizeof(u64))),
			GFP_KERNEL_ACCOUNT);

	if (!g)
		return -ENOMEM;
	g->user = user;
	g->size = size;
	list_add_tail(&g->node, &rq->given);
	*option_of(g) = *head;
	if (copy_from_user(option_of(g) + 1, user + 1, size - sizeof(*head)))
		return krefuse(-EFAULT, "option %u cannot be read",
			       head->nro_reqtype);
	return 0;
}

/* Of all of it, or of its head alone when nobody knows it. */
static u64 option_size(const struct nmreq_option *head)
{
	const u32 type = head->nro_reqtype;

	if (type == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS)
		return max_t(u64, head->nro_size, sizeof(*head));
	if (type <= NETMAP_REQ_OPT_MAX && option_sizes[type])
		return option_sizes[type];
	return sizeof(*head);
}

/* The limit ends a list that loops. */
static int take_options(struct krequest *rq, size_t left)
{
	u64 at = rq->header.nr_options;

	while (at) {
		struct nmreq_option __user *user = u64_to_user_ptr(at);
		struct nmreq_option head;
		u64 size;
		int err;

		if (left < sizeof(head))
			return krefuse(-EMSGSIZE, "too many options");
		if (copy_from_user(&head, user, sizeof(head)))
			return krefuse(-EFAULT, "an option cannot be read");
		size = option_size(&head);
		if (size > left)
			return krefuse(-EMSGSIZE, "option %u is too long",
				       head.nro_reqtype);
		err = take_option(rq, user, &head, size);
		if (err)
			return err;
		left -= size;
		at = head.nro_next;
	}
	return 0;
}

/*
 * And back: an answer that could not be given is found before anything is
 * done.
 */
static int take_body(struct krequest *rq, u32 size)
{
	void __user *body = u64_to_user_ptr(rq->header.nr_body);

	if (copy_from_user(&rq->body, body, size))
		return krefuse(-EFAULT, "the body cannot be read");
	if (copy_to_user(body, &rq->body, size))
		return krefuse(-EFAULT, "the body cannot be written");
	return 0;
}

static int take(struct krequest *rq, struct nmreq_header __user *arg)
{
	u32 size;
	int err;

	if (copy_from_user(&rq->header, arg, sizeof(rq->header)))
		return -EFAULT;
	err = check_header(rq);
	if (err)
		return err;
	size = kind_of(rq)->size;
	err = take_body(rq, size);
	if (err)
		return err;
	return take_options(rq, NETMAP_REQ_MAXSIZE - size);
}

static int give_options(const struct krequest *rq, bool bodies)
{
	struct given *g;
	int err = 0;

	list_for_each_entry(g, &rq->given, node) {
		const struct nmreq_option *o = option_of(g);

		if (put_user(o->nro_status, &g->user->nro_status))
			err = -EFAULT;
		else if (bodies &&
			 copy_to_user(g->user + 1, o + 1, g->size - sizeof(*o)))
			err = -EFAULT;
	}
	return err;
}

static int give(const struct krequest *rq, struct nmreq_header __user *arg,
		int err)
{
	const u32 size = err ? 0 : kind_of(rq)->size;

	if (rq->header.nr_version != NETMAP_API &&
	    put_user((u16)NETMAP_API, &arg->nr_version) && !err)
		err = -EFAULT;
	if (size &&
	    copy_to_user(u64_to_user_ptr(rq->header.nr_body), &rq->body, size))
		err = -EFAULT;
	if (!err && rq->header.nr_reqtype == NETMAP_REQ_VALE_LIST &&
	    copy_to_user(arg->nr_name, rq->header.nr_name,
			 sizeof(arg->nr_name)))
		err = -EFAULT;
	if (give_options(rq, !err) && !err)
		err = -EFAULT;
	return err;
}

static void free_request(struct krequest *rq)
{
	struct given *g, *next;

	list_for_each_entry_safe(g, next, &rq->given, node)
		kfree(g);
	kfree(rq);
}

int krequest_ioctl(struct kfile *f, struct nmreq_header __user *arg)
{
	struct krequest *rq = kzalloc(sizeof(*rq), GFP_KERNEL_ACCOUNT);
	int err;

	if (!rq)
		return -ENOMEM;
	rq->file = f;
	INIT_LIST_HEAD(&rq->given);
	err = take(rq, arg);
	if (!err)
		err = krequest_run(rq);
	else
		index_options(rq);
	err = give(rq, arg, err);
	free_request(rq);
	return err;
}
