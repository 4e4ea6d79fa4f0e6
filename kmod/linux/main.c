// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* ptnetmap.ko: loading and unloading, the log, and the lock of control. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "core/ptn_os.h"
#include "kctl.h"
#include "kfile.h"
#include "kgenl.h"
#include "knic.h"
#include "kswitch.h"

DEFINE_MUTEX(kctl_lock);
unsigned int kctl_generation = 1;

void kctl_enter(void)
{
	rtnl_lock();
	mutex_lock(&kctl_lock);
}

void kctl_leave(void)
{
	mutex_unlock(&kctl_lock);
	rtnl_unlock();
}

void ptn_log(int level, const char *format, ...)
{
	struct va_format text;
	va_list ap;

	va_start(ap, format);
	text.fmt = format;
	text.va = &ap;
	if (level == PTN_ERR)
		pr_err_ratelimited("%pV\n", &text);
	else if (level == PTN_WARN)
		pr_warn_ratelimited("%pV\n", &text);
	else
		pr_info_ratelimited("%pV\n", &text);
	va_end(ap);
}

/* In the order in which they need each other. */
static const struct part {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{NULL, kswitch_module_exit},
	{knic_module_init, knic_module_exit},
	{kfile_module_init, kfile_module_exit},
	{kgenl_module_init, kgenl_module_exit},
};

static void leave(size_t n)
{
	while (n--)
		if (parts[n].exit)
			parts[n].exit();
}

static int __init ptnetmap_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int err = parts[i].init ? parts[i].init() : 0;

		if (err) {
			leave(i);
			return err;
		}
	}
	return 0;
}

static void __exit ptnetmap_exit(void)
{
	leave(ARRAY_SIZE(parts));
}

module_init(ptnetmap_init);
module_exit(ptnetmap_exit);

MODULE_DESCRIPTION("netmap ports, VALE switches and pipes, for hosts and VMs");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION(PTNET_VERSION);
