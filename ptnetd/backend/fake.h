/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake backend's hooks for tests: let it fail at a given place. Whole
 * programs are told by PTNET_FAKE_FAIL=HOW:STEP in the environment, where HOW
 * is refuse, die, lose or open (see enum fake_fail).
 */
#ifndef PTNETD_BACKEND_FAKE_H
#define PTNETD_BACKEND_FAKE_H

enum fake_fail {
	FAKE_WORKS,
	FAKE_REFUSE, /* refuse step N of the next plan; nothing is done */
	FAKE_DIE, /* die before step N: all it held is gone */
	FAKE_LOSE, /* do the next plan, but the connection ends before the
		    * answer; what it holds stays */
	FAKE_NO_OPEN, /* the next N attempts to open it fail */
};

/** fake_fail_next - fail once; @step counts from 1 */
void fake_fail_next(enum fake_fail how, unsigned step);

/** fake_fail_after - the same, but @plans more are done before */
void fake_fail_after(unsigned plans, enum fake_fail how, unsigned step);

/** fake_lack - there is no network device of that name; NULL: all are there */
void fake_lack(const char *device);

/** fake_die - the process behind it dies now, with all it held */
void fake_die(void);

/** fake_forget - the end of all fakes of this process, hooks too */
void fake_forget(void);

#endif
