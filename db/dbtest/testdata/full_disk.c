// A disk without room, preloaded into a server of PostgreSQL: while $TOPUPD_FULL/base is
// there, what would make a file below base/ longer fails with ENOSPC, and with
// $TOPUPD_FULL/pg_wal the same below pg_wal/. What lies within a file is written, as on a
// disk: its blocks are there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int flagged(const char *part) {
	const char *dir = getenv("TOPUPD_FULL");
	char path[PATH_MAX];
	if (!dir)
		return 0;
	snprintf(path, sizeof path, "%s/%s", dir, part);
	return access(path, F_OK) == 0;
}

// full says whether a file that would reach to end finds no room.
static int full(int fd, off_t end) {
	static const char *parts[] = {"base", "pg_wal"};
	int saved = errno, found = 0;
	for (int i = 0; i < 2 && !found; i++) {
		char link[64], path[PATH_MAX], part[32];
		struct stat st;
		ssize_t n;
		if (!flagged(parts[i]))
			continue;
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if ((n = readlink(link, path, sizeof path - 1)) < 0)
			continue;
		path[n] = 0;
		snprintf(part, sizeof part, "/data/%s/", parts[i]);
		found = strstr(path, part) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && end > st.st_size;
	}
	errno = saved;
	return found;
}

static off_t total(const struct iovec *v, int n) {
	off_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += v[i].iov_len;
	return sum;
}

#define REFUSE(fd, end)                                                                                              \
	do {                                                                                                         \
		if (full(fd, end)) {                                                                                 \
			errno = ENOSPC;                                                                              \
			return -1;                                                                                   \
		}                                                                                                    \
	} while (0)

ssize_t write(int fd, const void *b, size_t n) {
	REFUSE(fd, lseek(fd, 0, SEEK_CUR) + (off_t)n);
	return NEXT(write)(fd, b, n);
}

ssize_t writev(int fd, const struct iovec *v, int n) {
	REFUSE(fd, lseek(fd, 0, SEEK_CUR) + total(v, n));
	return NEXT(writev)(fd, v, n);
}

ssize_t pwrite(int fd, const void *b, size_t n, off_t at) {
	REFUSE(fd, at + (off_t)n);
	return NEXT(pwrite)(fd, b, n, at);
}

ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) {
	REFUSE(fd, at + (off_t)n);
	return NEXT(pwrite64)(fd, b, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at) {
	REFUSE(fd, at + total(v, n));
	return NEXT(pwritev)(fd, v, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at) {
	REFUSE(fd, at + total(v, n));
	return NEXT(pwritev64)(fd, v, n, at);
}

int fallocate(int fd, int mode, off_t at, off_t n) {
	REFUSE(fd, at + n);
	return NEXT(fallocate)(fd, mode, at, n);
}

int fallocate64(int fd, int mode, off64_t at, off64_t n) {
	REFUSE(fd, at + n);
	return NEXT(fallocate64)(fd, mode, at, n);
}

int posix_fallocate(int fd, off_t at, off_t n) {
	return full(fd, at + n) ? ENOSPC : NEXT(posix_fallocate)(fd, at, n);
}

int posix_fallocate64(int fd, off64_t at, off64_t n) {
	return full(fd, at + n) ? ENOSPC : NEXT(posix_fallocate64)(fd, at, n);
}
