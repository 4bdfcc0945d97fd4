# The house rules that need no compiler, on the files named as arguments, whose paths are relative
# to the root. Prints `path:line: rule: what is wrong` and exits with 1 if anything is.
#
#   line      100 columns, no tabs, no trailing blanks, a newline at the end
#   length    at most 70 lines a function, 600 a file
#   call      functions that are banned everywhere, or in some folders; no floating point in core/
#   include   who may know whom
#   guard     a header's include guard follows from its path
#   marker    nothing is left "to do" in a comment: it is done, or it is an issue
#   path      no path of somebody's machine (-v checkout=DIR: nor of this one)

BEGIN {
    split("base disruptor journal core engine wire tools bench", folders)
    set("folder", "base disruptor journal core engine wire tools bench tests examples")

    # Who may know whom: a folder, and the folders whose headers it may include.
    set("knows base", "base")
    set("knows disruptor", "base disruptor")
    set("knows journal", "base journal")
    set("knows core", "core")
    set("knows engine", "base disruptor journal core engine")
    set("knows wire", "base disruptor journal core engine wire")
    set("knows tools", "base disruptor journal core engine wire tools")
    set("knows bench", "base disruptor journal core engine bench")
    set("knows examples", "examples")
    # Tests that are of no one folder.
    set("knows faults", "base journal")
    set("knows fuzz", "base disruptor journal core engine wire tools")
    set("knows golden", "base journal")
    set("knows simulator", "base journal core engine")
    set("knows digests", "base disruptor journal core engine")
    set("knows package", "engine core")
    set("knows docs", "engine core wire")
    # Which folder stands behind a public header.
    set("public base", "atomic clock digest error log")
    set("public disruptor", "agent disruptor lanes mapping park pool processor wait")
    set("public journal", "journal repair")
    set("public core", "book book_messages book_queries catalog common image ledger " \
                       "ledger_messages ledger_queries logic message text u128")
    set("public engine", "counters engine millrace")
    set("public wire", "client server wire")
    # What core/ may have beside its own: these headers of base/, and these of the compiler's.
    set("core base", "assert bits limits memory random")
    set("core system", "limits stdatomic stdbool stddef stdint")

    everywhere = "gets|sprintf|vsprintf|strcpy|stpcpy|strcat|strncpy|strncat|strtok|scanf|" \
                 "sscanf|fscanf|atoi|atol|atoll|atof|system|popen|rand|srand|alloca|longjmp"
    allocation = "malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|free|strdup"
    printing = "printf|vprintf|fprintf|vfprintf|dprintf|puts|fputs|putchar|perror|exit|_exit"
    hosted = "snprintf|vsnprintf|fopen|fread|fwrite|open|read|write|time|clock|clock_gettime|" \
             "getenv|abort|mmap|pthread_[a-z_]+|memcpy|memmove|memset|memcmp|strlen|strcmp"
    banned["all"] = call_pattern(everywhere)
    banned["library"] = call_pattern(printing)
    banned["disruptor"] = call_pattern(allocation)
    banned["core"] = call_pattern(allocation "|" hosted)
    floating = "(^|[^A-Za-z0-9_])(float|double|long double)($|[^A-Za-z0-9_])"
    # The handler of a broken invariant is the one place in the library that speaks.
    excused["base/assert.c", "fprintf"]
}

function set(name, words,    word, i, n)
{
    n = split(words, word, " ")
    for (i = 1; i <= n; i++)
        member[name, word[i]]
}

function has(name, word)
{
    return (name, word) in member
}

function call_pattern(names)
{
    return "(^|[^A-Za-z0-9_.>])(" names ")[ \t]*\\("
}

function report(rule, text)
{
    print FILENAME ":" FNR ": " rule ": " text
    found = 1
}

FNR == 1 {
    finish_file()
    start_file()
}

function start_file()
{
    is_c = FILENAME ~ /\.[ch]$/ || FILENAME ~ /\.cc$/
    is_code = is_c || FILENAME ~ /\.(sh|awk|cmake|in)$/ ||
              FILENAME ~ /(^|\/)(CMakeLists\.txt|Makefile|run)$/
    folder = FILENAME
    sub(/\/.*/, "", folder)
    in_library = folder ~ /^(base|disruptor|journal|core|engine|wire)$/
    in_comment = 0
    function_name = ""
    head = ""
    guarded = FILENAME !~ /\.h$/
    current = FILENAME
    last = 0
}

function finish_file()
{
    if (current != "" && is_code && last > 600)
        print current ":" last ": length: a file of more than 600 lines", found = 1
}

{
    last = FNR
    check_path($0)
    if (is_code)
        check_line($0)
    if (is_c) {
        code = code_of($0)
        check_guard(code)
        check_function(code)
        check_calls(code)
        check_include($0)
    }
}

function check_path(line)
{
    if (line ~ /\/(home|root|Users)\// || (checkout != "" && index(line, checkout "/")))
        report("path", "a path of somebody's machine")
}

function check_line(line)
{
    if (line ~ /[ \t\r]$/)
        report("line", "trailing blanks")
    if (line ~ /\t/ && FILENAME !~ /Makefile$/)
        report("line", "a tab")
    gsub(/[\200-\277]/, "", line) # what continues a UTF-8 character takes no column
    if (length(line) > 100)
        report("line", length(line) " columns")
}

# The line without comments and without what strings and characters hold.
function code_of(line,    code, mark, rest)
{
    code = ""
    while (line != "") {
        if (in_comment) {
            check_marker(line)
            if (!match(line, /\*\//))
                return code
            line = substr(line, RSTART + 2)
            in_comment = 0
        } else if (match(line, /"|'|\/\*|\/\//)) {
            mark = substr(line, RSTART, RLENGTH)
            rest = substr(line, RSTART + RLENGTH)
            code = code substr(line, 1, RSTART - 1)
            if (mark == "//") {
                check_marker(rest)
                return code
            }
            if (mark == "/*")
                in_comment = 1
            else {
                code = code mark mark
                rest = after_quote(rest, mark)
            }
            line = rest
        } else {
            return code line
        }
    }
    return code
}

function after_quote(line, quote,    i, character)
{
    for (i = 1; i <= length(line); i++) {
        character = substr(line, i, 1)
        if (character == "\\")
            i++
        else if (character == quote)
            return substr(line, i + 1)
    }
    return ""
}

function check_marker(comment)
{
    if (comment ~ /TODO|FIXME|XXX/)
        report("marker", "finish it, or make it an issue")
}

# include/millrace/x.h is guarded by MILLRACE_X_H, any other a/b.h by MR_A_B_H.
function check_guard(code,    guard)
{
    if (guarded || code ~ /^[ \t]*$/)
        return
    guard = FILENAME
    if (!sub(/^include\//, "", guard))
        guard = "mr/" guard
    gsub(/[\/.-]/, "_", guard)
    guard = toupper(guard)
    if (code != "#ifndef " guard)
        report("guard", "begins with \"" code "\", not with \"#ifndef " guard "\"")
    guarded = 1
}

# clang-format sees to it that functions, and nothing else but C++ scopes, have their braces alone
# in the first column. A function's length counts from the first line of its head.
function check_function(code)
{
    if (function_name != "") {
        if (code ~ /^}/) {
            if (FNR - first + 1 > 70)
                report("length", function_name " has " FNR - first + 1 " lines")
            function_name = ""
        }
    } else if (code ~ /^{$/) {
        if (head !~ /^(namespace|class|struct|union|enum|extern)/)
            function_name = name_of(head)
        head = ""
    } else if (code ~ /^[ \t]*$/ || code ~ /[;}]$/ || code ~ /^#/) {
        head = ""
    } else {
        if (head == "")
            first = FNR
        head = head code
    }
}

function name_of(head)
{
    sub(/\(.*/, "", head)
    sub(/.*[ *]/, "", head)
    return head == "" ? "a function" : head
}

function check_calls(code)
{
    find_call(code, "all", "is banned")
    if (in_library)
        find_call(code, "library", "is not for a library, which prints nothing")
    if (folder == "disruptor")
        find_call(code, "disruptor", "is not for disruptor/, which allocates nothing")
    if (folder == "core") {
        find_call(code, "core", "is not for core/, which is pure")
        if (code ~ floating)
            report("call", "no floating point in core/")
    }
}

function find_call(code, kind, why,    name)
{
    if (!match(code, banned[kind]))
        return
    name = substr(code, RSTART, RLENGTH)
    gsub(/[^A-Za-z0-9_]/, "", name)
    if (!((FILENAME, name) in excused))
        report("call", name " " why)
}

function check_include(line,    name)
{
    if (line !~ /^[ \t]*#[ \t]*include[ \t]/)
        return
    name = line
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*/, "", name)
    if (line ~ /"/)
        check_project_include(name)
    else if (name ~ /^millrace\//)
        check_public_include(name)
    else if (folder == "core" && !has("core system", base_of(name)))
        report("include", "core/ does without <" name ">")
}

function base_of(name)
{
    sub(/.*\//, "", name)
    sub(/\.h$/, "", name)
    return name
}

function check_project_include(name,    other)
{
    other = name
    sub(/\/.*/, "", other)
    if (FILENAME ~ /^include\//)
        report("include", "a public header includes public headers only")
    else if (!has("folder", other))
        report("include", "\"" name "\" is not a path from the root")
    else if (folder == "core" && other == "base") {
        if (!has("core base", base_of(name)))
            report("include", "core/ may not know " name)
    } else if (!may_know(other))
        report("include", folder "/ may not know " name)
}

function check_public_include(name,    owner)
{
    owner = owner_of(name)
    if (owner == "")
        report("include", "which folder is behind <" name ">? Say so in tests/tidy/house.awk")
    else if (FILENAME ~ /^include\// && !has("knows " owner_of(FILENAME), owner) &&
             owner != "base")
        report("include", "<" name "> is of " owner "/, which this header's folder may not know")
    else if (has("folder", folder) && folder != "examples" && owner != "base" && !may_know(owner))
        report("include", folder "/ may not know <" name ">, which is of " owner "/")
}

function owner_of(header,    i)
{
    for (i in folders)
        if (has("public " folders[i], base_of(header)))
            return folders[i]
    return ""
}

# A test may know what the folder that it tests may, and the tests' own helpers.
function may_know(other,    tested)
{
    if (folder != "tests")
        return has("knows " folder, other)
    if (other == "tests" || other == "base")
        return 1
    tested = FILENAME
    sub(/^tests\//, "", tested)
    sub(/\/.*/, "", tested)
    return has("knows " tested, other)
}

END {
    finish_file()
    exit found
}
