// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another kernel in place of the one that runs, for guests:
 *
 *	tool_kexec next KERNEL INITRD
 *	tool_kexec panic KERNEL INITRD
 *	tool_kexec go
 *
 * The first two load it: for "go", or for when this kernel panics, into memory
 * that crashkernel= has set aside. "go" runs it: drivers are told before,
 * programs are not. The next kernel has this one's command line.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int load(const char *kernel, const char *initrd, unsigned long flags)
{
	const int kernel_fd = open(kernel, O_RDONLY);
	const int initrd_fd = open(initrd, O_RDONLY);
	const int line_fd = open("/proc/cmdline", O_RDONLY);
	char line[2048]; /* as long as the kernel takes it */
	const ssize_t len = read(line_fd, line, sizeof(line));

	if (kernel_fd < 0 || initrd_fd < 0 || len <= 0)
		return fail("open");
	line[len - 1] = 0; /* in place of the newline */
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, (size_t)len,
		    line, flags))
		return fail("kexec_file_load");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 4 && strcmp(what, "next") == 0)
		return load(argv[2], argv[3], 0);
	if (argc == 4 && strcmp(what, "panic") == 0)
		return load(argv[2], argv[3], KEXEC_FILE_ON_CRASH);
	if (argc != 2 || strcmp(what, "go") != 0)
		return 2;
	reboot(LINUX_REBOOT_CMD_KEXEC);
	return fail("reboot");
}
