# Pages in Markdown out of pages.awk, in the folder `out`: NAME.md for each header, and README.md
# with all functions.

function page_begin(name)
{
    file = out "/" name ".md"
}

function put(text)
{
    print text >file
}

function summarised(text)
{
    put("# <millrace/" page ".h>")
    put("")
    put("<!-- Made from the header by `make docs`: change it there. -->")
}

function heading(title)
{
    put("")
    put("## " escaped(title))
}

function group(names, kinds, count,    i)
{
    put("")
    put("### " title_of(names, count))
    put("")
    put("```c")
    for (i = 1; i <= code_count; i++)
        put(code_line[i])
    put("```")
    for (i = 1; i <= count; i++)
        anchor[names[i]] = page ".md#" slug(title_of(names, count))
    block("about", about_count)
}

function title_of(names, count,    i, title)
{
    title = names[1]
    for (i = 2; i <= count && i <= 4; i++)
        title = title ", " names[i]
    return count > 4 ? title ", ..." : title
}

# The anchor that a heading gets.
function slug(title)
{
    title = tolower(title)
    gsub(/[^a-z0-9_ -]/, "", title)
    gsub(/ /, "-", title)
    return title
}

function paragraph(text)
{
    put("")
    put_lines(text, "")
}

function item(text)
{
    put("")
    put_lines(text, "- ")
}

function put_lines(text, mark,    part, count, i)
{
    count = split(text, part, "\n")
    for (i = 1; i <= count; i++) {
        put(mark escaped(part[i]))
        mark = mark == "" ? "" : "  "
    }
}

function example_begin()
{
    put("")
    put("```")
}

function example_line(line)
{
    put(line)
}

function example_end()
{
    put("```")
}

# Running text: *emphasis* stays, names are code, other headers and documents are links.
function escaped(text,    result, name)
{
    result = ""
    while (match(text, /<millrace\/[a-z]+\.h>|docs\/[A-Za-z-]+\.md|\*[a-z][a-z ]*\*|`[^`]+`/)) {
        result = result plain(substr(text, 1, RSTART - 1))
        name = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (name ~ /^</)
            result = result "[`" name "`](" substr(name, 11, length(name) - 13) ".md)"
        else if (name ~ /^docs/)
            result = result "[" name "](../" substr(name, 6) ")"
        else
            result = result name
    }
    return result plain(text)
}

function plain(text)
{
    gsub(/[*<]/, "\\\\&", text)
    gsub(/mr_[a-z0-9_]+|MR_[A-Z0-9_]+/, "`&`", text)
    return text
}

function page_end()
{
    close(file)
}

function the_end(    i)
{
    file = out "/README.md"
    put("# Reference")
    put("")
    put("<!-- Made from the headers by `make docs`: change it there. -->")
    put("")
    put("What the public headers declare, and what holds for it. The same is installed as manual")
    put("pages: `man millrace_engine`, or `man mr_engine_submit`.")
    put("")
    put("| header | |")
    put("|---|---|")
    for (i = 1; i <= page_count; i++)
        put("| [`<millrace/" pages[i] ".h>`](" pages[i] ".md) | " escaped(summary[pages[i]]) " |")
    put("")
    put("## Functions")
    put("")
    sort(functions, function_count)
    for (i = 1; i <= function_count; i++)
        put("- [`" functions[i] "`](" anchor[functions[i]] ")")
    close(file)
}

function sort(list, count,    i, k, moved)
{
    for (i = 2; i <= count; i++) {
        moved = list[i]
        for (k = i - 1; k >= 1 && list[k] > moved; k--)
            list[k + 1] = list[k]
        list[k + 1] = moved
    }
}
