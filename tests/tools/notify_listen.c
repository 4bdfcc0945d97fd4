/*
 * notify_listen NAME FILE COMMAND...: runs a command as a service manager does. Binds a datagram
 * socket of that name (a path, or @ and an abstract one), tells the command of it in
 * $NOTIFY_SOCKET, and writes each message that comes to FILE, a line each, with blanks for its
 * newlines. SIGTERM is passed on. Exits with the command's code.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void pass_on(int number)
{
    if (child > 0) {
        (void)kill((pid_t)child, number);
    }
}

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || length >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return bind(fd, (const struct sockaddr *)&address, size) == 0 ? fd : -1;
}

static void write_down(int from, int to)
{
    char text[1024];
    ssize_t count;
    while ((count = recv(from, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            if (text[i] == '\n') {
                text[i] = ' ';
            }
        }
        text[count] = '\n';
        if (write(to, text, (size_t)count + 1) < 0) {
            _exit(2);
        }
    }
}

int main(int count, char **arguments)
{
    if (count < 4) {
        (void)fprintf(stderr, "usage: notify_listen NAME FILE COMMAND...\n");
        return 2;
    }
    int from = listen_at(arguments[1]);
    int to = open(arguments[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (from < 0 || to < 0 || setenv("NOTIFY_SOCKET", arguments[1], 1) != 0) {
        perror("notify_listen");
        return 2;
    }
    (void)signal(SIGTERM, pass_on);
    pid_t made = fork();
    if (made == 0) {
        (void)execvp(arguments[3], arguments + 3);
        _exit(127);
    }
    child = made;
    int status = 0;
    while (waitpid(made, &status, WNOHANG) == 0) {
        struct pollfd waiting = {.fd = from, .events = POLLIN};
        (void)poll(&waiting, 1, 20);
        write_down(from, to);
    }
    write_down(from, to);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
