# expect.awk EXPECTED GOT: fails, and shows both, unless the second file is what the first one
# describes: the same lines, where a line `...` stands for any number of lines, and <...> for any
# text.

function pattern(line)
{
    gsub(/[][\\.*+?(){}|^$]/, "\\\\&", line)
    gsub(/<\\\.\\\.\\\.>/, ".*", line)
    return "^" line "$"
}

# Do the lines from `e` on describe those from `g` on?
function fits(e, g)
{
    for (; e <= expected; e++) {
        if (want[e] == "...") {
            for (; g <= got + 1; g++)
                if (fits(e + 1, g))
                    return 1
            return 0
        }
        if (g > got || have[g++] !~ pattern(want[e]))
            return 0
    }
    return g == got + 1
}

NR == FNR && FILENAME == ARGV[1] { want[++expected] = $0; next }
{ have[++got] = $0 }
END {
    if (fits(1, 1))
        exit 0
    print "  expected:"
    for (i = 1; i <= expected; i++)
        print "    " want[i]
    print "  got:"
    for (i = 1; i <= got; i++)
        print "    " have[i]
    exit 1
}
