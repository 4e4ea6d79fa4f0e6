/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of ptnetd, as people write them. */
#include "client/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSTEM_SOCKET "/run/ptnet/ptnetd.sock"

static int unix_server(struct client_server *out, const char *path,
		       struct client_error *error)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->address;

	if (!*path || strlen(path) >= sizeof(un->sun_path)) {
		snprintf(error->message, sizeof(error->message),
			 "the socket's path has %zu bytes; it must have 1 to "
			 "%zu",
			 strlen(path), sizeof(un->sun_path) - 1);
		return -EINVAL;
	}
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	out->address_len = sizeof(*un);
	strcpy(out->host, "localhost");
	snprintf(out->name, sizeof(out->name), "unix:%s", path);
	return 0;
}

static bool parse_port(const char *text, in_port_t *out)
{
	char *end;
	unsigned long port;

	if (*text < '0' || *text > '9')
		return false;
	port = strtoul(text, &end, 10);
	if (!strcmp(end, "/"))
		end++;
	*out = htons((in_port_t)port);
	return !*end && port > 0 && port <= 65535;
}

static bool set_address(struct client_server *out, const char *host,
			in_port_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&out->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->address;

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (!strcmp(host, "[::1]")) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = port;
		in6->sin6_addr = in6addr_loopback;
		out->address_len = sizeof(*in6);
		return true;
	}
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1 ||
	    ntohl(in->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return false;
	in->sin_family = AF_INET;
	in->sin_port = port;
	out->address_len = sizeof(*in);
	return true;
}

static int tcp_server(struct client_server *out, const char *authority,
		      struct client_error *error)
{
	const char *colon = strrchr(authority, ':');
	char host[48] = "";
	in_port_t port;

	if (!colon || (size_t)(colon - authority) >= sizeof(host) ||
	    !parse_port(colon + 1, &port)) {
		snprintf(error->message, sizeof(error->message),
			 "expected http://127.0.0.1:PORT");
		return -EINVAL;
	}
	memcpy(host, authority, (size_t)(colon - authority));
	if (!set_address(out, host, port)) {
		snprintf(error->message, sizeof(error->message),
			 "only this host's own addresses are possible "
			 "(127.0.0.1, localhost, [::1])");
		return -EINVAL;
	}
	snprintf(out->host, sizeof(out->host), "%s:%u", host, ntohs(port));
	snprintf(out->name, sizeof(out->name), "http://%s", out->host);
	return 0;
}

int client_server_parse(struct client_server *out, const char *text,
			struct client_error *error)
{
	*out = (struct client_server){0};
	*error = (struct client_error){0};
	if (!strncmp(text, "unix:", 5))
		return unix_server(out, text + 5, error);
	if (text[0] == '/')
		return unix_server(out, text, error);
	if (!strncmp(text, "http://", 7))
		return tcp_server(out, text + 7, error);
	snprintf(error->message, sizeof(error->message),
		 "expected unix:PATH or http://127.0.0.1:PORT");
	return -EINVAL;
}

void client_server_default(char *text, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	snprintf(text, size, "unix:" SYSTEM_SOCKET);
	if (!geteuid() || !dir || dir[0] != '/' || strlen(dir) > 80)
		return;
	snprintf(text, size, "unix:%s/ptnet/ptnetd.sock", dir);
	if (access(text + 5, F_OK) && !access(SYSTEM_SOCKET, F_OK))
		snprintf(text, size, "unix:" SYSTEM_SOCKET);
}
