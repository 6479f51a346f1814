// An interpreter for WASI calls. Each argument of the program is one call: the name of a function as in the specification, then
// its arguments, separated by single spaces. For each call one line is printed: the name of its error, its results, or `ok`.
//
//     path_open 3 - file creat+excl r+w -     4
//     fd_write 4 abc|de                       5
//     path_open 3 - none - r -                NOENT
//
// Numbers are decimal, hexadecimal (0x), negative, `max` (all bits), `-` (zero), or names of flags joined by `+`. In other
// words, `%20` stands for the byte 0x20, and `''` is the empty word. Pieces of data for several buffers are joined by `|`.
//
// All structures, constants and signatures come from wasi-libc's <wasi/api.h>, which is generated from the specification. The
// lines are printed at the end, on standard output, or on standard error if standard output is closed.

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

// ---------------------------------------------------------------------------------------------------------------- Printing

static char printed[4 << 20];
static size_t printed_len;

static void put_bytes(const void *bytes, size_t len) {
    if (len > sizeof printed - printed_len) len = sizeof printed - printed_len;
    memcpy(printed + printed_len, bytes, len);
    printed_len += len;
}

static void put(const char *text) { put_bytes(text, strlen(text)); }

static void put_number(uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = '0' + number % 10;
    while (number /= 10);
    put_bytes(digits + at, sizeof digits - at);
}

// Prints the bytes of a file or a name in the form in which words are read.
static void put_data(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] > ' ' && bytes[i] < 0x7f && bytes[i] != '%' && bytes[i] != '|') {
            put_bytes(bytes + i, 1);
        } else {
            char code[3] = {'%', "0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15]};
            put_bytes(code, sizeof code);
        }
    }
}

static void flush(void) {
    __wasi_fd_t fd = 1;
    size_t done = 0, written;
    while (done < printed_len) {
        __wasi_ciovec_t piece = {(uint8_t *)printed + done, printed_len - done};
        __wasi_errno_t error = __wasi_fd_write(fd, &piece, 1, &written);
        if (error == __WASI_ERRNO_AGAIN) continue;
        if (error != __WASI_ERRNO_SUCCESS && fd++ == 2) __wasi_proc_exit(99);
        if (error == __WASI_ERRNO_SUCCESS) done += written;
    }
    printed_len = 0;
}

static const char *error_name(__wasi_errno_t error) {
    static const char *const names[] = {
#define E(name) [__WASI_ERRNO_##name] = #name
        E(SUCCESS), E(2BIG), E(ACCES), E(ADDRINUSE), E(ADDRNOTAVAIL), E(AFNOSUPPORT), E(AGAIN), E(ALREADY), E(BADF),
        E(BADMSG), E(BUSY), E(CANCELED), E(CHILD), E(CONNABORTED), E(CONNREFUSED), E(CONNRESET), E(DEADLK),
        E(DESTADDRREQ), E(DOM), E(DQUOT), E(EXIST), E(FAULT), E(FBIG), E(HOSTUNREACH), E(IDRM), E(ILSEQ),
        E(INPROGRESS), E(INTR), E(INVAL), E(IO), E(ISCONN), E(ISDIR), E(LOOP), E(MFILE), E(MLINK), E(MSGSIZE),
        E(MULTIHOP), E(NAMETOOLONG), E(NETDOWN), E(NETRESET), E(NETUNREACH), E(NFILE), E(NOBUFS), E(NODEV), E(NOENT),
        E(NOEXEC), E(NOLCK), E(NOLINK), E(NOMEM), E(NOMSG), E(NOPROTOOPT), E(NOSPC), E(NOSYS), E(NOTCONN), E(NOTDIR),
        E(NOTEMPTY), E(NOTRECOVERABLE), E(NOTSOCK), E(NOTSUP), E(NOTTY), E(NXIO), E(OVERFLOW), E(OWNERDEAD), E(PERM),
        E(PIPE), E(PROTO), E(PROTONOSUPPORT), E(PROTOTYPE), E(RANGE), E(ROFS), E(SPIPE), E(SRCH), E(STALE),
        E(TIMEDOUT), E(TXTBSY), E(XDEV), E(NOTCAPABLE),
#undef E
    };
    return error < sizeof names / sizeof *names && names[error] ? names[error] : "UNKNOWN";
}

// Prints the name of an error, if it is one. Returns false for an error.
static bool succeeded(__wasi_errno_t error) {
    if (error != __WASI_ERRNO_SUCCESS) put(error_name(error));
    return error == __WASI_ERRNO_SUCCESS;
}

static void just(__wasi_errno_t error) {
    if (succeeded(error)) put("ok");
}

static void number_if(__wasi_errno_t error, const uint64_t *number) {
    if (succeeded(error)) put_number(*number);
}

static void size_if(__wasi_errno_t error, const __wasi_size_t *number) {
    if (succeeded(error)) put_number(*number);
}

// ------------------------------------------------------------------------------------------------------------------ Words

static char *words[64];
static size_t lens[64];
static size_t count;

// A name for a number. Tables end with a symbol without a name.
struct symbol {
    const char *name;
    uint64_t value;
};

static const struct symbol fdflags[] = {
    {"append", __WASI_FDFLAGS_APPEND},
    {"dsync", __WASI_FDFLAGS_DSYNC},
    {"nonblock", __WASI_FDFLAGS_NONBLOCK},
    {"rsync", __WASI_FDFLAGS_RSYNC},
    {"sync", __WASI_FDFLAGS_SYNC},
    {0},
};

// The two most important rights have short names.
static const struct symbol rights[] = {
    {"r", __WASI_RIGHTS_FD_READ},
    {"w", __WASI_RIGHTS_FD_WRITE},
    {"seek", __WASI_RIGHTS_FD_SEEK},
    {"tell", __WASI_RIGHTS_FD_TELL},
    {"size", __WASI_RIGHTS_FD_FILESTAT_SET_SIZE},
    {"times", __WASI_RIGHTS_FD_FILESTAT_SET_TIMES},
    {"readdir", __WASI_RIGHTS_FD_READDIR},
    {"open", __WASI_RIGHTS_PATH_OPEN},
    {"unlink", __WASI_RIGHTS_PATH_UNLINK_FILE},
    {"accept", __WASI_RIGHTS_SOCK_ACCEPT},
    {"shutdown", __WASI_RIGHTS_SOCK_SHUTDOWN},
    {0},
};

static const struct symbol others[] = {
    {"-", 0},
    {"max", UINT64_MAX},
    {"follow", __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW},
    {"creat", __WASI_OFLAGS_CREAT},
    {"directory", __WASI_OFLAGS_DIRECTORY},
    {"excl", __WASI_OFLAGS_EXCL},
    {"trunc", __WASI_OFLAGS_TRUNC},
    {"atim", __WASI_FSTFLAGS_ATIM},
    {"atim_now", __WASI_FSTFLAGS_ATIM_NOW},
    {"mtim", __WASI_FSTFLAGS_MTIM},
    {"mtim_now", __WASI_FSTFLAGS_MTIM_NOW},
    {"set", __WASI_WHENCE_SET},
    {"cur", __WASI_WHENCE_CUR},
    {"end", __WASI_WHENCE_END},
    {"realtime", __WASI_CLOCKID_REALTIME},
    {"monotonic", __WASI_CLOCKID_MONOTONIC},
    {"process_cputime", __WASI_CLOCKID_PROCESS_CPUTIME_ID},
    {"thread_cputime", __WASI_CLOCKID_THREAD_CPUTIME_ID},
    {"normal", __WASI_ADVICE_NORMAL},
    {"sequential", __WASI_ADVICE_SEQUENTIAL},
    {"random", __WASI_ADVICE_RANDOM},
    {"willneed", __WASI_ADVICE_WILLNEED},
    {"dontneed", __WASI_ADVICE_DONTNEED},
    {"noreuse", __WASI_ADVICE_NOREUSE},
    {"peek", __WASI_RIFLAGS_RECV_PEEK},
    {"waitall", __WASI_RIFLAGS_RECV_WAITALL},
    {"rd", __WASI_SDFLAGS_RD},
    {"wr", __WASI_SDFLAGS_WR},
    {"abstime", __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME},
    {0},
};

static const struct symbol *find(const struct symbol *table, const char *name) {
    for (; table->name; table++) {
        if (!strcmp(name, table->name)) return table;
    }
    return NULL;
}

static _Noreturn void misunderstood(const char *word) {
    put("cannot read: ");
    put(word);
    put("\n");
    flush();
    __wasi_proc_exit(98);
}

static uint64_t part(const char *word) {
    const struct symbol *symbol = find(fdflags, word);
    if (!symbol) symbol = find(rights, word);
    if (!symbol) symbol = find(others, word);
    if (symbol) return symbol->value;
    char *end;
    uint64_t value = *word == '-' ? (uint64_t)strtoll(word, &end, 0) : strtoull(word, &end, 0);
    if (end == word || *end) misunderstood(word);
    return value;
}

// Parses a number.
static uint64_t number_of(const char *text) {
    char word[64];
    uint64_t value = 0;
    for (;;) {
        size_t len = strcspn(text, "+");
        if (len >= sizeof word) misunderstood(text);
        memcpy(word, text, len);
        word[len] = 0;
        value |= part(word);
        if (!text[len]) return value;
        text += len + 1;
    }
}

static char *text(size_t at) { return at < count ? words[at] : ""; }
static uint64_t number(size_t at) { return at < count ? number_of(words[at]) : 0; }

static unsigned hex(char digit) { return digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10; }

// Replaces `%20` by a space, in place, and returns the new length.
static size_t decode(char *word) {
    size_t len = 0;
    if (!strcmp(word, "''")) return *word = 0;
    for (const char *from = word; *from; from++) {
        if (*from == '%') {
            word[len++] = hex(from[1]) << 4 | hex(from[2]);
            from += 2;
        } else {
            word[len++] = *from;
        }
    }
    word[len] = 0;
    return len;
}

// ---------------------------------------------------------------------------------------------------------------- Buffers

enum { MOST_PIECES = 4096 };
static uint8_t data[1 << 20];
static __wasi_ciovec_t sources[MOST_PIECES];
static __wasi_iovec_t targets[MOST_PIECES];

// Splits a word at each `|`.
static size_t pieces_of(size_t at) {
    size_t pieces = 0, start = 0;
    for (size_t i = 0; i <= lens[at]; i++) {
        if (i < lens[at] && words[at][i] != '|') continue;
        sources[pieces++] = (__wasi_ciovec_t){(uint8_t *)words[at] + start, i - start};
        start = i + 1;
    }
    return pieces;
}

// Makes buffers with the lengths in a word such as `3|0|4`, one after the other, with gaps that must not change.
static size_t buffers_of(size_t at) {
    size_t pieces = 0;
    uint8_t *next = data;
    memset(data, 0xaa, sizeof data);
    for (char *rest = text(at); *rest; rest += *rest == '|') {
        size_t len = strtoul(rest, &rest, 10);
        targets[pieces++] = (__wasi_iovec_t){next, len};
        next += len + 1;
    }
    return pieces;
}

// Prints the bytes that were read, as pieces.
static void read_if(__wasi_errno_t error, size_t pieces, __wasi_size_t len) {
    if (!succeeded(error)) return;
    if (pieces == 1 && len == 0) put("''");
    for (size_t i = 0; i < pieces; i++) {
        size_t here = len < targets[i].buf_len ? len : targets[i].buf_len;
        if (i) put("|");
        put_data(targets[i].buf, here);
        len -= here;
        if (targets[i].buf[targets[i].buf_len] != 0xaa) put("(written beyond the end)");
    }
    if (len) put("(read more than there is room for)");
}

// ------------------------------------------------------------------------------------------------------- Structures as text

static const char *type_name(__wasi_filetype_t type) {
    switch (type) {
    case __WASI_FILETYPE_UNKNOWN: return "unknown";
    case __WASI_FILETYPE_BLOCK_DEVICE: return "block";
    case __WASI_FILETYPE_CHARACTER_DEVICE: return "character";
    case __WASI_FILETYPE_DIRECTORY: return "directory";
    case __WASI_FILETYPE_REGULAR_FILE: return "regular";
    case __WASI_FILETYPE_SOCKET_DGRAM: return "datagram";
    case __WASI_FILETYPE_SOCKET_STREAM: return "stream";
    case __WASI_FILETYPE_SYMBOLIC_LINK: return "link";
    default: return "invalid";
    }
}

// Prints the names of the bits of a value, from a table.
static void put_symbols(const struct symbol *table, uint64_t value) {
    bool any = false;
    for (; table->name; table++) {
        if (!(value & table->value)) continue;
        if (any) put("+");
        put(table->name);
        any = true;
    }
    if (!any) put("-");
}

// Prints the fields of a filestat that a word names, such as `type,size`.
static void filestat_if(__wasi_errno_t error, const __wasi_filestat_t *stat, const char *fields) {
    if (!succeeded(error)) return;
    for (bool first = true; *fields; first = false) {
        size_t len = strcspn(fields, ",");
        if (!first) put(",");
#define FIELD(name, value) \
    if (len == strlen(name) && !memcmp(fields, name, len)) put_number(value)
        if (len == 4 && !memcmp(fields, "type", 4)) put(type_name(stat->filetype));
        else FIELD("dev", stat->dev);
        else FIELD("ino", stat->ino);
        else FIELD("nlink", stat->nlink);
        else FIELD("size", stat->size);
        else FIELD("atim", stat->atim);
        else FIELD("mtim", stat->mtim);
        else FIELD("ctim", stat->ctim);
        else misunderstood(fields);
#undef FIELD
        fields += len;
        fields += *fields == ',';
    }
}

// ----------------------------------------------------------------------------------------------------------- Directories

struct entry {
    char name[256];
    size_t len;
    __wasi_dirent_t dirent;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void remove_entry(__wasi_fd_t fd, const struct entry *entry) {
    bool dots = !strcmp(entry->name, ".") || !strcmp(entry->name, "..");
    if (dots) return;
    __wasi_errno_t error = entry->dirent.d_type == __WASI_FILETYPE_DIRECTORY
                               ? __wasi_path_remove_directory(fd, entry->name)
                               : __wasi_path_unlink_file(fd, entry->name);
    if (error) put(error_name(error)), put(" ");
}

// list FD SIZE [names|types|count|inodes] [remove]: reads a directory to its end, SIZE bytes at a time, as a libc does. With
// `remove`, each entry is removed while the directory is read.
static void list(void) {
    static struct entry entries[1000];
    static uint8_t buffer[1 << 16];
    __wasi_fd_t fd = number(1);
    __wasi_size_t size = number(2), used;
    __wasi_dircookie_t cookie = 0;
    uint64_t found = 0;
    do {
        if (!succeeded(__wasi_fd_readdir(fd, buffer, size, cookie, &used))) return;
        for (size_t at = 0; used - at >= sizeof(__wasi_dirent_t);) {
            struct entry entry;
            memcpy(&entry.dirent, buffer + at, sizeof entry.dirent);
            entry.len = entry.dirent.d_namlen;
            at += sizeof entry.dirent;
            if (entry.len > used - at) break;
            memcpy(entry.name, buffer + at, entry.len);
            entry.name[entry.len] = 0;
            at += entry.len;
            cookie = entry.dirent.d_next;
            if (found < sizeof entries / sizeof *entries) entries[found] = entry;
            found++;
            if (!strcmp(text(4), "remove")) remove_entry(fd, &entry);
        }
    } while (used == size);
    if (!strcmp(text(3), "count")) {
        put_number(found);
        return;
    }
    if (found > sizeof entries / sizeof *entries) misunderstood("too many entries to print");
    qsort(entries, found, sizeof *entries, by_name);
    for (size_t i = 0; i < found; i++) {
        if (i) put(" ");
        put_data((uint8_t *)entries[i].name, entries[i].len);
        if (!strcmp(text(3), "types")) put(":"), put(type_name(entries[i].dirent.d_type));
        if (!strcmp(text(3), "inodes")) put(":"), put_number(entries[i].dirent.d_ino);
    }
}

// --------------------------------------------------------------------------------------------------------------- Functions

static __wasi_size_t size;
static __wasi_fd_t opened;
static uint64_t wide;

static void opened_if(__wasi_errno_t error) {
    if (succeeded(error)) put_number(opened);
}

#define CALL(name) static void name(void)

CALL(args_sizes_get) {
    __wasi_size_t args;
    if (succeeded(__wasi_args_sizes_get(&args, &size))) put_number(args), put(" "), put_number(size);
}

CALL(environ_sizes_get) {
    __wasi_size_t variables;
    if (succeeded(__wasi_environ_sizes_get(&variables, &size))) put_number(variables), put(" "), put_number(size);
}

CALL(clock_res_get) { number_if(__wasi_clock_res_get(number(1), &wide), &wide); }

CALL(clock_time_get) { number_if(__wasi_clock_time_get(number(1), number(2), &wide), &wide); }

CALL(fd_advise) { just(__wasi_fd_advise(number(1), number(2), number(3), number(4))); }

CALL(fd_allocate) { just(__wasi_fd_allocate(number(1), number(2), number(3))); }

CALL(fd_close) { just(__wasi_fd_close(number(1))); }

CALL(fd_datasync) { just(__wasi_fd_datasync(number(1))); }

// fd_fdstat_get FD RIGHTS: prints type, flags, and those of RIGHTS that it has.
CALL(fd_fdstat_get) {
    __wasi_fdstat_t stat;
    if (!succeeded(__wasi_fd_fdstat_get(number(1), &stat))) return;
    put(type_name(stat.fs_filetype));
    put(" ");
    put_symbols(fdflags, stat.fs_flags);
    put(" ");
    put_symbols(rights, stat.fs_rights_base & number(2));
}

CALL(fd_fdstat_set_flags) { just(__wasi_fd_fdstat_set_flags(number(1), number(2))); }

CALL(fd_fdstat_set_rights) { just(__wasi_fd_fdstat_set_rights(number(1), number(2), number(3))); }

CALL(fd_filestat_get) {
    __wasi_filestat_t stat;
    filestat_if(__wasi_fd_filestat_get(number(1), &stat), &stat, text(2));
}

CALL(fd_filestat_set_size) { just(__wasi_fd_filestat_set_size(number(1), number(2))); }

CALL(fd_filestat_set_times) { just(__wasi_fd_filestat_set_times(number(1), number(2), number(3), number(4))); }

CALL(fd_pread) {
    size_t pieces = buffers_of(2);
    __wasi_errno_t error = __wasi_fd_pread(number(1), targets, pieces, number(3), &size);
    read_if(error, pieces, size);
}

CALL(fd_prestat_get) {
    __wasi_prestat_t prestat;
    if (!succeeded(__wasi_fd_prestat_get(number(1), &prestat))) return;
    put(prestat.tag == __WASI_PREOPENTYPE_DIR ? "dir " : "unknown ");
    put_number(prestat.u.dir.pr_name_len);
}

CALL(fd_prestat_dir_name) {
    memset(data, 0, 4096);
    if (succeeded(__wasi_fd_prestat_dir_name(number(1), data, number(2)))) put_data(data, strlen((char *)data));
}

CALL(fd_pwrite) { size_if(__wasi_fd_pwrite(number(1), sources, pieces_of(2), number(3), &size), &size); }

CALL(fd_read) {
    size_t pieces = buffers_of(2);
    __wasi_errno_t error = __wasi_fd_read(number(1), targets, pieces, &size);
    read_if(error, pieces, size);
}

// fd_readdir FD SIZE COOKIE: prints only the number of bytes.
CALL(fd_readdir) { size_if(__wasi_fd_readdir(number(1), data, number(2), number(3), &size), &size); }

CALL(fd_renumber) { just(__wasi_fd_renumber(number(1), number(2))); }

CALL(fd_seek) { number_if(__wasi_fd_seek(number(1), number(2), number(3), &wide), &wide); }

CALL(fd_sync) { just(__wasi_fd_sync(number(1))); }

CALL(fd_tell) { number_if(__wasi_fd_tell(number(1), &wide), &wide); }

CALL(fd_write) { size_if(__wasi_fd_write(number(1), sources, pieces_of(2), &size), &size); }

CALL(path_create_directory) { just(__wasi_path_create_directory(number(1), text(2))); }

// path_filestat_get FD LOOKUPFLAGS PATH FIELDS
CALL(path_filestat_get) {
    __wasi_filestat_t stat;
    filestat_if(__wasi_path_filestat_get(number(1), number(2), text(3), &stat), &stat, text(4));
}

// path_filestat_set_times FD LOOKUPFLAGS PATH ATIM MTIM FSTFLAGS
CALL(path_filestat_set_times) {
    just(__wasi_path_filestat_set_times(number(1), number(2), text(3), number(4), number(5), number(6)));
}

// path_link FD LOOKUPFLAGS PATH FD PATH
CALL(path_link) { just(__wasi_path_link(number(1), number(2), text(3), number(4), text(5))); }

// path_open FD LOOKUPFLAGS PATH OFLAGS RIGHTS FDFLAGS
CALL(path_open) {
    opened_if(__wasi_path_open(number(1), number(2), text(3), number(4), number(5), number(5), number(6), &opened));
}

// path_readlink FD PATH SIZE
CALL(path_readlink) {
    memset(data, 0xaa, 8192);
    size = number(3);
    __wasi_size_t used;
    if (!succeeded(__wasi_path_readlink(number(1), text(2), data, size, &used))) return;
    put_data(data, used);
    if (data[size] != 0xaa) put("(written beyond the end)");
}

CALL(path_remove_directory) { just(__wasi_path_remove_directory(number(1), text(2))); }

// path_rename FD PATH FD PATH
CALL(path_rename) { just(__wasi_path_rename(number(1), text(2), number(3), text(4))); }

// path_symlink TARGET FD PATH
CALL(path_symlink) { just(__wasi_path_symlink(text(1), number(2), text(3))); }

CALL(path_unlink_file) { just(__wasi_path_unlink_file(number(1), text(2))); }

// poll_oneoff SUBSCRIPTION…, each of them `read:FD`, `write:FD` or `clock:ID:TIMEOUT:FLAGS`. An absolute timeout is relative to
// the current time, and `past` is one in the past. Prints `INDEX` for each event, with `!ERROR`, `=NBYTES` and `#` (a hangup).
CALL(poll_oneoff) {
    static __wasi_subscription_t subscriptions[64];
    static __wasi_event_t events[64];
    for (size_t i = 1; i < count; i++) {
        __wasi_subscription_t *subscription = &subscriptions[i - 1];
        memset(subscription, 0, sizeof *subscription);
        subscription->userdata = 0x100000000 + i;
        char *kind = strtok(words[i], ":"), *value = strtok(NULL, ":");
        if (strcmp(kind, "clock")) {
            subscription->u.tag = strcmp(kind, "read") ? __WASI_EVENTTYPE_FD_WRITE : __WASI_EVENTTYPE_FD_READ;
            subscription->u.u.fd_read.file_descriptor = number_of(value);
            continue;
        }
        __wasi_subscription_clock_t *clock = &subscription->u.u.clock;
        subscription->u.tag = __WASI_EVENTTYPE_CLOCK;
        clock->id = number_of(value);
        char *timeout = strtok(NULL, ":"), *flags = strtok(NULL, ":");
        clock->flags = flags ? number_of(flags) : 0;
        if (!strcmp(timeout, "past")) {
            clock->timeout = 1;
        } else {
            clock->timeout = number_of(timeout);
            __wasi_timestamp_t now = 0;
            if (clock->flags && !__wasi_clock_time_get(clock->id, 0, &now)) clock->timeout += now;
        }
    }
    if (!succeeded(__wasi_poll_oneoff(subscriptions, events, count - 1, &size))) return;
    for (size_t i = 0; i < size; i++) {
        if (i) put(" ");
        uint64_t index = events[i].userdata - 0x100000000;
        put_number(index);
        if (events[i].type != subscriptions[index - 1].u.tag) put("(another type)");
        if (events[i].error) put("!"), put(error_name(events[i].error));
        if (events[i].type == __WASI_EVENTTYPE_FD_READ && !events[i].error) {
            put("=");
            put_number(events[i].fd_readwrite.nbytes);
        }
        if (events[i].fd_readwrite.flags & __WASI_EVENTRWFLAGS_FD_READWRITE_HANGUP) put("#");
    }
}

CALL(proc_exit) {
    flush();
    __wasi_proc_exit(number(1));
}

// random_get LEN: checks that the bytes changed, and no byte after them.
CALL(random_get) {
    memset(data, 0, sizeof data);
    size = number(1);
    if (!succeeded(__wasi_random_get(data, size))) return;
    size_t changed = 0;
    for (size_t i = 0; i < sizeof data; i++) {
        if (data[i] && i >= size) put("(written beyond the end)");
        changed += data[i] != 0;
    }
    // One byte in 256 is zero by chance.
    put(size == 0 || changed > size / 2 ? "ok" : "not random");
}

CALL(sched_yield) { just(__wasi_sched_yield()); }

CALL(sock_accept) { opened_if(__wasi_sock_accept(number(1), number(2), &opened)); }

CALL(sock_recv) {
    __wasi_roflags_t flags;
    size_t pieces = buffers_of(2);
    __wasi_errno_t error = __wasi_sock_recv(number(1), targets, pieces, number(3), &size, &flags);
    read_if(error, pieces, size);
    if (!error && flags) put(flags == __WASI_ROFLAGS_RECV_DATA_TRUNCATED ? " truncated" : " unknown flags");
}

CALL(sock_send) { size_if(__wasi_sock_send(number(1), sources, pieces_of(2), number(3), &size), &size); }

CALL(sock_shutdown) { just(__wasi_sock_shutdown(number(1), number(2))); }

// --------------------------------------------------------------------------------------------- Calls that are not in WASI

// elapsed LEAST MOST: checks that the number of milliseconds since the last call is in this range.
CALL(elapsed) {
    static __wasi_timestamp_t before;
    __wasi_timestamp_t now, least = number(1), most = number(2);
    just(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &now));
    uint64_t passed = (now - before) / 1000000;
    before = now;
    if (count > 1 && (passed < least || passed > most)) put(" after "), put_number(passed);
}

// open_all FD PATH: opens a file repeatedly until that fails, and prints the error, and in the next line the number of
// successes.
CALL(open_all) {
    __wasi_errno_t error;
    uint64_t files = 0;
    while (files < 2000000 && !(error = __wasi_path_open(number(1), 0, text(2), 0, 2, 0, 0, &opened))) files++;
    put(files ? error_name(error) : "none");
}

// close_all FIRST LAST: closes all open descriptors in a range, and prints their number.
CALL(close_all) {
    uint64_t closed = 0;
    for (uint64_t fd = number(1); fd <= number(2); fd++) closed += !__wasi_fd_close(fd);
    put_number(closed);
}

// renumber_often FD PATH TIMES: opens a file repeatedly, and each time moves it to the number of the previous one.
CALL(renumber_often) {
    __wasi_fd_t kept;
    if (!succeeded(__wasi_path_open(number(1), 0, text(2), 0, 2, 0, 0, &kept))) return;
    for (uint64_t i = 0; i < number(3); i++) {
        __wasi_errno_t error = __wasi_path_open(number(1), 0, text(2), 0, 2, 0, 0, &opened);
        if (!error) error = __wasi_fd_renumber(opened, kept);
        if (!succeeded(error)) return;
    }
    put_number(kept);
}

// pause: prints the output so far, and waits for a byte on standard input.
CALL(pause_) {
    put("paused\n");
    flush();
    __wasi_iovec_t byte = {data, 1};
    just(__wasi_fd_read(0, &byte, 1, &size));
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
#define C(name) {#name, name}
    C(args_sizes_get), C(clock_res_get), C(clock_time_get), C(close_all), C(elapsed), C(environ_sizes_get),
    C(fd_advise), C(fd_allocate), C(fd_close), C(fd_datasync), C(fd_fdstat_get), C(fd_fdstat_set_flags),
    C(fd_fdstat_set_rights), C(fd_filestat_get), C(fd_filestat_set_size), C(fd_filestat_set_times), C(fd_pread),
    C(fd_prestat_dir_name), C(fd_prestat_get), C(fd_pwrite), C(fd_read), C(fd_readdir), C(fd_renumber), C(fd_seek),
    C(fd_sync), C(fd_tell), C(fd_write), C(list), C(open_all), C(path_create_directory), C(path_filestat_get),
    C(path_filestat_set_times), C(path_link), C(path_open), C(path_readlink), C(path_remove_directory), C(path_rename),
    C(path_symlink), C(path_unlink_file), {"pause", pause_}, C(poll_oneoff), C(proc_exit), C(random_get),
    C(renumber_often), C(sched_yield), C(sock_accept), C(sock_recv), C(sock_send), C(sock_shutdown),
#undef C
};

static void run(char *line) {
    count = 0;
    for (char *word = strtok(line, " "); word && count < 64; word = strtok(NULL, " ")) words[count++] = word;
    // Decode afterwards, because `strtok` splits the words first.
    for (size_t i = 0; i < count; i++) lens[i] = decode(words[i]);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(text(0), calls[i].name)) continue;
        calls[i].call();
        put("\n");
        return;
    }
    misunderstood(text(0));
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) run(argv[i]);
    flush();
    return 0;
}
