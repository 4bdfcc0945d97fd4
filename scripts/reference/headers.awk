# Reads public headers and says what they declare and what they say about it: a line a fact, for
# man.awk, markdown.awk and the tests. What a comment says holds for the declarations that follow it
# without a blank line; one that is followed by a blank line stands for itself.
#
#   header NAME            a header begins: include/millrace/NAME.h
#   include NAME           it includes that one
#   section TITLE          the text and groups that follow belong together
#   text LINE              of a comment that stands for itself (of the header's first one, too)
#   break                  such a comment ends
#   group                  declarations that one comment is about:
#     about LINE             the comment
#     code LINE              the declarations
#     name KIND NAME         what they declare: function, inline, variable, type or macro
#   end
#   export NAME            what the library has to show, also where it is no interface

FNR == 1 {
    finish_header()
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.h$/, "", name)
    print "header " name
    interface = 1
    in_comment = in_macro = in_cxx = depth = body = 0
    about = code = names = statement = ""
}

in_cxx {
    if ($0 ~ /^#else/ || $0 ~ /^#endif/)
        in_cxx = 0
    next
}

in_comment {
    if ($0 !~ /^ \*\//)
        sub(/^ \* ?/, "")
    comment_line($0)
    next
}

in_macro {
    macro_line($0)
    next
}

# The body of an inline function.
body {
    if ($0 ~ /^}/)
        body = 0
    next
}

depth == 0 && /^\/\*/ {
    flush()
    if ($0 ~ /^\/\* -- /) {
        section($0)
    } else if ($0 !~ /^\/\* (-----|clang-format)/) {
        in_comment = 1
        sub(/^\/\* ?/, "")
        comment_line($0)
    }
    next
}

/^[ \t]*$/ {
    if (depth == 0)
        flush()
    else
        code = code "\n"
    next
}

/^#[ ]*include <millrace\// {
    name = $0
    sub(/.*millrace\//, "", name)
    sub(/\.h>.*/, "", name)
    print "include " name
    next
}

/^#ifdef __cplusplus/ { in_cxx = 1; next }

/^#define [A-Za-z_]+_H$/ { next }

/^#define / {
    name = $2
    sub(/\(.*/, "", name)
    # Of a list of names all is of interest, of other macros only how they are called.
    whole = $2 !~ /\(/ || $2 ~ /\([A-Z]\)$/
    wanted = name !~ /_$/
    if (wanted)
        names = names "\nname macro " name
    in_macro = 1
    macro_line($0)
    next
}

/^#/ { next }

{ declaration_line($0) }

END { finish_header() }

function finish_header()
{
    flush()
}

function section(line)
{
    sub(/^\/\* -- /, "", line)
    sub(/[ -]*\*\/$/, "", line)
    sub(/\.$/, "", line)
    if (line ~ /not for use elsewhere/)
        interface = 0
    if (interface)
        print "section " line
}

function comment_line(line,    last)
{
    last = line ~ /\*\/$/
    sub(/[ ]*\*\/$/, "", line)
    if (line ~ /Nothing below is interface/)
        interface = 0
    if (about != "" || line != "")
        about = about line "\n"
    if (last)
        in_comment = 0
    # The header's own comment is followed by its guard, without a blank line.
    if (last && FNR < 100 && !seen[FILENAME]++)
        flush()
}

function macro_line(line,    more)
{
    more = line ~ /\\$/
    sub(/[ ]*\\$/, "", line)
    if (wanted && (whole || line ~ /^#define/)) {
        if (!whole)
            line = head_of(line)
        code = code line "\n"
    }
    if (!more)
        in_macro = 0
}

# A macro's name and parameters.
function head_of(line)
{
    if (match(line, /^#define [A-Za-z_]+\([^)]*\)/))
        return substr(line, 1, RLENGTH)
    return line
}

function declaration_line(line,    plain, opened, closed)
{
    if (line == "{" && depth == 0) { # of an inline function
        sub(/\n$/, ";\n", code)
        declared(statement)
        statement = ""
        body = 1
        return
    }
    plain = line
    gsub(/\/\*.*\*\//, "", plain)
    if (plain ~ /\/\*/) {
        sub(/\/\*.*/, "", plain)
        inside = 1
    } else if (inside) {
        if (plain ~ /\*\//)
            inside = 0
        sub(/.*\*\//, "", plain)
        if (inside)
            plain = ""
    }
    if (depth == 0 && statement == "" && plain ~ /^MR_STATIC_ASSERT/)
        return
    opened = gsub(/[{]/, "{", plain)
    closed = gsub(/[}]/, "}", plain)
    if (depth == 0 || closed)
        statement = statement " " plain
    depth += opened - closed
    code = code line "\n"
    if (depth == 0 && plain ~ /;[ ]*$/) {
        declared(statement)
        statement = ""
    }
}

function declared(text,    kind)
{
    sub(/^ +/, "", text)
    if (text ~ /^(struct|enum|union) [a-z0-9_]+ *[{;]/) {
        split(text, part, /[ {;]+/)
        kind = "type " part[1] " " part[2]
        if (text ~ /[{]/)
            names = names "\nname " kind
    } else if (text ~ /^typedef/) {
        if (match(text, /mr_[a-z0-9_]+(\(|;)/))
            names = names "\nname type " substr(text, RSTART, RLENGTH - 1)
    } else if (text ~ /^enum [{]/) {
        names = names "\nname type constants"
    } else if (text ~ /^MR_MESSAGE_STRUCT/) {
        match(text, /mr_[a-z0-9_]+/)
        names = names "\nname type struct " substr(text, RSTART, RLENGTH)
    } else if (match(text, /mr_[a-z0-9_]+\(/)) {
        kind = text ~ /^static inline/ ? "inline" : "function"
        found(kind, substr(text, RSTART, RLENGTH - 1))
    } else if (text ~ /^extern/ && match(text, /mr_[a-z0-9_]+[;\[]/)) {
        found("variable", substr(text, RSTART, RLENGTH - 1))
    }
}

function found(kind, name)
{
    names = names "\nname " kind " " name
    if (kind != "inline")
        print "export " name
}

# Says what has come together: a comment, or declarations with or without one.
function flush()
{
    if (interface && names != "") {
        print "group"
        lines("about", about)
        lines("code", code)
        print substr(names, 2)
        print "end"
    } else if (interface && code == "" && about != "") {
        lines("text", about)
        print "break"
    }
    about = code = names = statement = ""
}

function lines(tag, text,    part, count, i)
{
    count = split(text, part, "\n")
    while (count > 0 && part[count] == "")
        count--
    for (i = 1; i <= count; i++)
        print tag " " part[i]
}
