/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main of a fuzzer that is built without libFuzzer: runs its entry point
 * once on nothing and once on each file named, so that `make check` goes over
 * the seeds and all that was ever found.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	long size = -1;
	uint8_t *data;
	FILE *f;

	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		return 1;
	}
	rewind(f);
	/* exactly as long as the input: sanitizers see every overrun */
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		return 1;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int i;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (i = 1; i < argc; i++)
		if (replay(argv[i]))
			return 1;
	return 0;
}
