# Goes through the facts that headers.awk gives and has them written by man.awk or markdown.awk,
# each of which says how a page, a section, a group and pieces of text look:
#
#   page_begin(name)  page_end()  the_end()  heading(title)
#   group(names, kinds, count)    with code_line[1..code_count], then block("about")
#   paragraph(text)  item(text)  example_begin()  example_line(line)  example_end()
#
# Comments are text as people write it: paragraphs, lists whose items begin with a dash, and what
# else is indented: an example or a table, whose lines stay as they are.

{
    fact = $1
    rest = substr($0, length(fact) + 2)
}

fact == "header" {
    finish_page()
    page = rest
    pages[++page_count] = page
    about_count = code_count = name_count = text_count = 0
    summary[page] = ""
    page_begin(page)
}

fact == "include" { related(rest) }
fact == "section" { heading(rest) }
fact == "text" { line_of["text", ++text_count] = rest }
fact == "about" { line_of["about", ++about_count] = rest }
fact == "code" { code_line[++code_count] = rest }
fact == "name" { names[++name_count] = $NF; kinds[name_count] = $2 }

fact == "break" {
    if (summary[page] == "")
        introduce()
    block("text", text_count)
    text_count = 0
}

fact == "end" {
    for (i = 1; i <= name_count; i++)
        if (kinds[i] != "type" && kinds[i] != "macro") {
            page_of[names[i]] = page
            functions[++function_count] = names[i]
        }
    group(names, kinds, name_count)
    about_count = code_count = name_count = 0
}

END {
    finish_page()
    the_end()
}

function finish_page()
{
    if (page != "")
        page_end()
    page = ""
}

# A page that this one sends its reader to.
function related(name)
{
    if (name != page && !((page, name) in is_related)) {
        is_related[page, name]
        relations[page] = relations[page] " " name
    }
}

# A header's first comment begins `<millrace/NAME.h>: what it is for.`
function introduce(    first, i)
{
    for (i = 1; i <= text_count && line_of["text", i] != ""; i++)
        first = first " " line_of["text", i]
    sub(/^ [^:]*: /, "", first)
    sub(/\.( .*)?$/, "", first)
    summary[page] = first
    sub(/^[^:]*: /, "", line_of["text", 1])
    line_of["text", 1] = toupper(substr(line_of["text", 1], 1, 1)) substr(line_of["text", 1], 2)
    summarised(first)
}

# Writes lines 1 to `count` of a comment, in its pieces.
function block(which, count,    i, line, state, piece, indent)
{
    state = piece = ""
    for (i = 1; i <= count; i++) {
        line = line_of[which, i]
        relate(line)
        match(line, /^ */)
        indent = RLENGTH
        if (line == "") {
            if (state != "example" || !goes_on(which, i + 1, count)) {
                finish_piece(state, piece)
                state = piece = ""
            } else {
                example_line("")
            }
        } else if (line ~ /^ +- / && state != "example") {
            finish_piece(state, piece)
            state = "item"
            dash = indent
            piece = substr(line, indent + 3)
        } else if (state == "item" && indent > dash) {
            piece = piece "\n" substr(line, indent + 1)
        } else if (indent >= 2) {
            if (state != "example") {
                finish_piece(state, piece)
                state = "example"
                example_begin()
            }
            example_line(substr(line, 3))
        } else {
            if (state != "paragraph") {
                finish_piece(state, piece)
                state = "paragraph"
                piece = line
            } else {
                piece = piece "\n" line
            }
        }
    }
    finish_piece(state, piece)
}

# An empty line in an example does not end it.
function goes_on(which, i, count)
{
    return i <= count && line_of[which, i] ~ /^  / && line_of[which, i] !~ /^ +- /
}

function finish_piece(state, piece)
{
    if (state == "example")
        example_end()
    else if (state == "item")
        item(piece)
    else if (state == "paragraph")
        paragraph(piece)
}

# Names of other headers in the text.
function relate(line,    name)
{
    while (match(line, /<millrace\/[a-z]+\.h>/)) {
        name = substr(line, RSTART + 10, RLENGTH - 13)
        line = substr(line, RSTART + RLENGTH)
        related(name)
    }
}
