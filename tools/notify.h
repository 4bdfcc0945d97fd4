/*
 * Telling a service manager how it stands: what systemd calls sd_notify, in a few lines of our own,
 * so that the tool needs no library for it.
 */
#ifndef MR_TOOLS_NOTIFY_H
#define MR_TOOLS_NOTIFY_H

/* Sends "READY=1", "STATUS=...", or several of them with newlines between, as one datagram to the
 * socket that $NOTIFY_SOCKET names (a path, or an abstract name that begins with @). Does nothing
 * where there is none, and is silent about failures: who started us may have gone. */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
