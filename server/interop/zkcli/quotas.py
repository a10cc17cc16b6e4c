"""Interactive: soft and hard quotas, their listing and their removal."""

from harness import equal, test, unique
from shell import Shell

_LIMITS = "absolute path is /zookeeper/quota%s/zookeeper_limits"


@test()
def quota_soft():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create %s abc" % root)
        cli.do("create %s/kid de" % root)
        cli.do("setquota -n 1 " + root)
        lines = cli.do("listquota " + root)
        equal(lines[0], _LIMITS % root, "first line of listquota")
        equal(lines[1], "Output quota for %s count=1,bytes=-1=;byteHardLimit=-1;countHardLimit=-1" % root, "limits")
        equal(lines[2], "Output stat for %s count=2,bytes=5" % root, "usage")
        equal(cli.do("create %s/more x" % root), ["Created %s/more" % root], "a soft limit only warns")
        equal(cli.do("listquota " + root)[2], "Output stat for %s count=3,bytes=6" % root, "usage after a create")
        cli.do("set %s longer-data" % root)
        equal(cli.do("listquota " + root)[2], "Output stat for %s count=3,bytes=14" % root, "usage after a set")
        cli.do("delete %s/more" % root)
        equal(cli.do("listquota " + root)[2], "Output stat for %s count=2,bytes=13" % root, "usage after a delete")
        cli.do("setquota -b 100 " + root)
        assert "bytes=100" in cli.do("listquota " + root)[1], "setquota -b"
        cli.do("delquota -n " + root)
        equal(cli.do("listquota " + root)[1], "Output quota for %s count=-1,bytes=100=;byteHardLimit=-1;countHardLimit=-1" % root, "after delquota -n")
        cli.do("delquota " + root)
        equal(cli.do("listquota " + root)[-1], "quota for %s does not exist." % root, "after delquota")
        cli.do("deleteall " + root)


@test(needs=["quota"])
def quota_hard_count():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create " + root)
        cli.do("setquota -N 2 " + root)
        equal(cli.do("create %s/one" % root), ["Created %s/one" % root], "within the limit")
        equal(cli.do("create %s/two" % root), ["Quota has exceeded : %s/two" % root], "past the limit")
        equal(cli.do("delete %s/one" % root), [], "delete")
        equal(cli.do("create %s/two" % root), ["Created %s/two" % root], "there is room again")
        cli.do("delquota -N " + root)
        equal(cli.do("create %s/three" % root), ["Created %s/three" % root], "without the limit")
        cli.do("delquota " + root)
        cli.do("deleteall " + root)


@test(needs=["quota"])
def quota_hard_bytes():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create %s 12345" % root)
        cli.do("setquota -B 10 " + root)
        equal(cli.do("set %s 1234567890" % root), [], "exactly the limit")
        equal(cli.do("set %s 12345678901" % root), ["Quota has exceeded : " + root], "one byte too many")
        equal(cli.do("create %s/kid x" % root), ["Quota has exceeded : %s/kid" % root], "a child with data")
        equal(cli.do("create %s/kid" % root), ["Created %s/kid" % root], "a child without data")
        cli.do("delquota " + root)
        cli.do("deleteall " + root)


@test()
def quota_refusals_of_the_shell():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create " + root)
        cli.do("create %s/kid" % root)
        equal(cli.do("listquota " + root)[-1], "quota for %s does not exist." % root, "listquota without quota")
        cli.do("setquota -n 5 " + root)
        refusal = " ".join(cli.do("setquota -n 5 %s/kid" % root))
        assert "has a parent" in refusal and "which has a quota" in refusal, refusal
        cli.do("delquota " + root)
        cli.do("deleteall " + root)
