# pieces.awk -v folder=DIR PAGE: takes a page of the documentation apart (see page.sh). Prints the
# plan, a line a piece: `add FILE NAME`, `run FILE` (with FILE.expected beside it), `error FILE`.

function begin(what, name)
{
    piece = sprintf("%s/%03d", folder, ++count)
    printf "" >piece
    kind = what
    target = name
    started = FNR
}

function finish_command()
{
    if (command == "")
        return
    close(piece)
    close(piece ".expected")
    print "run", piece
    command = ""
}

function console(line)
{
    if (line ~ /^\$ /) {
        finish_command()
        begin("console", "")
        printf "" >(piece ".expected")
        command = substr(line, 3)
        print command >piece
    } else if (command != "" && command ~ /\\$/) {
        command = line
        print line >piece
    } else if (command != "") {
        print line >(piece ".expected")
    } else {
        complain("a console block begins with \"$ \"")
    }
}

function finish()
{
    if (kind == "console")
        finish_command()
    if (kind == "file") {
        close(piece)
        print "add", piece, target
    }
    kind = ""
}

function complain(text)
{
    begin("error", "")
    print FILENAME ":" FNR ": " text >piece
    close(piece)
    print "error", piece
    kind = ""
}

function open_block(language, name)
{
    if (language == "console")
        kind = "console"
    else if (name != "")
        begin("file", name)
    else if (language == "text" || language == "")
        kind = "text"
    else
        complain("a block of " language " that no test looks at: name its file")
}

kind == "" && /^```/ {
    fence = "```"
    split(substr($0, 4), words, " ")
    open_block(words[1], words[2])
    next
}
kind == "" && /^<!-- (console|[a-z0-9_.-]+\.(c|cc|h|txt|cmake|sh))$/ {
    fence = "-->"
    open_block($2 == "console" ? "console" : "hidden", $2 == "console" ? "" : $2)
    next
}
kind != "" && $0 == fence {
    finish()
    next
}
kind == "console" {
    console($0)
}
kind == "file" {
    print >piece
}
END {
    if (kind != "" && kind != "error")
        complain("the block of line " started " does not end")
}
