# Manual pages out of pages.awk, in the folder `out`: millrace_NAME.3 for each header, and for each
# function a page that is no more than a link to its header's. -v version=... is the library's.

function page_begin(name)
{
    file = out "/" page_name(name) ".3"
    started = 0
}

function page_name(name)
{
    return name == "millrace" ? name : "millrace_" name
}

function put(text)
{
    print text >file
}

function summarised(text)
{
    put(".TH " toupper(page_name(page)) " 3 \"\" \"Millrace " version "\" \"Millrace\"")
    put(".nh")
    put(".ad l")
    put(".SH NAME")
    put(page_name(page) " \\- " escaped(text))
    put(".SH SYNOPSIS")
    put(".nf")
    put(".B #include <millrace/" page ".h>")
    put("")
    put(".BR cc \" ... $(pkg-config \\-\\-cflags \\-\\-libs millrace)\"")
    put(".fi")
    put(".SH DESCRIPTION")
}

function heading(title)
{
    put(".SH " toupper(escaped(title)))
}

function group(names, kinds, count,    i)
{
    if (!started++)
        put(".SH DECLARATIONS")
    put(".PP")
    put(".nf")
    for (i = 1; i <= code_count; i++)
        put("\\fB" code_escaped(code_line[i]) "\\fP")
    put(".fi")
    if (about_count > 0) {
        put(".RS 4")
        fresh = 1
        block("about", about_count)
        put(".RE")
    }
}

function paragraph(text)
{
    # What is said about a declaration stands right below it.
    if (!fresh)
        put(".PP")
    fresh = 0
    put_lines(text)
}

function item(text)
{
    put(".IP \\(bu 3")
    put_lines(text)
}

function put_lines(text,    part, count, i)
{
    count = split(text, part, "\n")
    for (i = 1; i <= count; i++)
        put(escaped(part[i]))
}

function example_begin()
{
    put(".PP")
    put(".RS 4")
    put(".nf")
}

function example_line(line)
{
    put(code_escaped(line))
}

function example_end()
{
    put(".fi")
    put(".RE")
}

# Running text: *emphasis*, `names` and those of functions bold.
function escaped(text,    result, font)
{
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/mr_[a-z0-9_]+/, "\\fB&\\fP", text)
    result = ""
    while (match(text, /\*[a-z][a-z ]*\*|`[^`]+`/)) {
        font = substr(text, RSTART, 1) == "*" ? "\\fI" : "\\fB"
        result = result substr(text, 1, RSTART - 1)
        result = result font substr(text, RSTART + 1, RLENGTH - 2) "\\fP"
        text = substr(text, RSTART + RLENGTH)
    }
    return guarded(result text)
}

# What is to be copied stays as it is, also where a terminal has better quotes.
function code_escaped(text)
{
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/'/, "\\(aq", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    gsub(/`/, "\\(ga", text)
    return guarded(text)
}

# No line of text is a request.
function guarded(text)
{
    return text ~ /^[.']/ ? "\\&" text : text
}

function page_end(    part, count, i, others)
{
    if (page == "millrace")
        return # which names all others: see the_end
    others = "millrace"
    count = split(relations[page], part, " ")
    for (i = 1; i <= count; i++)
        if (part[i] != "millrace")
            others = others " " page_name(part[i])
    see_also(others)
    close(file)
}

function see_also(others,    part, count, i)
{
    count = split(others, part, " ")
    put(".SH SEE ALSO")
    for (i = 1; i <= count; i++)
        put(".BR " part[i] " (3)" (i < count ? "," : ""))
}

function the_end(    i, link)
{
    file = out "/millrace.3"
    put(".SH HEADERS")
    for (i = 1; i <= page_count; i++)
        if (pages[i] != "millrace") {
            put(".TP")
            put(".BR " page_name(pages[i]) " (3)")
            put(escaped(summary[pages[i]]) ".")
        }
    put(".SH SEE ALSO")
    put(".BR millrace (1)")
    close(file)
    for (i = 1; i <= function_count; i++) {
        link = out "/" functions[i] ".3"
        print ".so man3/" page_name(page_of[functions[i]]) ".3" >link
        close(link)
    }
}
