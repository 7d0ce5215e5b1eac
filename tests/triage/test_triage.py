#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/triage on real reports (reports/): what they are called, whole or not, in any order."""

import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REPORTS = os.path.join(HERE, "reports")
TRIAGE = os.path.join(ROOT, "scripts", "triage")
sys.path.insert(0, os.path.join(ROOT, "scripts", "findings"))
sys.dont_write_bytecode = True

import groups   # noqa: E402
import inputs   # noqa: E402
import scan     # noqa: E402

# A line after which something has been found, whatever is cut off below it.
TELLING = re.compile(r"WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|runtime error: |^\s+#\d|"
                     r"^  repeat with|^mmstorm: no op|^finding |\"type\":\"finding\"")


def text_of(name):
    with open(os.path.join(REPORTS, name), encoding="utf-8") as f:
        return f.read()


def expected():
    """{file: sorted titles}"""
    titles = {}
    for line in text_of("../expect").splitlines():
        if not line.startswith("#"):
            name, title = line.split(": ", 1)
            titles.setdefault(name, []).append(title)
    return {name: sorted(found) for name, found in titles.items()}


def triage(*texts):
    """In this process: what texts come to, each an input of its own."""
    sources = [inputs.Input(f"{i}.txt", text.encode()) for i, text in enumerate(texts)]
    return groups.Triage(*scan.scan(sources))


def titles_of(done):
    return sorted(group.title for group in done.groups for _ in group.reports)


def another_run(text, draw, seed):
    """The same of another run: its seed, process and addresses."""
    other = {}
    text = re.sub(r"--seed 0x[0-9a-f]+", f"--seed {seed:#x}", text)
    text = re.sub(r"(?<=pid=)\d+|(?<===)\d+(?===)", str(1000 + seed), text)
    return re.sub(r"(?<=0x)[0-9a-f]{8,}",
                  lambda m: other.setdefault(m[0], f"{draw.getrandbits(44):012x}"), text)


def between(lines):
    """Where other output may come.  A finding's title and detail are written at once."""
    def begins(i):
        return re.match(r"[A-Z]+: ", lines[i]) and lines[i + 1:i + 2] and lines[i + 1][:2] == "  "
    return [i for i in range(1, len(lines) + 1)
            if not begins(i - 1) and not (i < len(lines) and begins(i))]


def sprinkled(text, draw, what):
    lines = text.splitlines()
    for _ in range(draw.randrange(1, 9)):
        lines.insert(draw.choice(between(lines)), what())
    return "\n".join(lines) + "\n"


def with_progress(text, draw):
    line = "#{}s ops 1.2M 400.0k/s  faults 3.1k  flushes 20  findings 0  rss 80M"
    return [sprinkled(text, draw, lambda: line.format(draw.randrange(100))).encode()]


def with_noise(text, draw):
    noise = ["", "make: *** [Makefile:3: storm] Error 2", "  a word", "seed", "{}", "\x1b[31mred\x1b[0m"]
    return [sprinkled(text, draw, lambda: draw.choice(noise)).encode()]


def with_garbage(text, draw):
    lines = sprinkled(text, draw, lambda: "\0garbage").encode().split(b"\n")
    return [b"\n".join(draw.randbytes(90).replace(b"\n", b"") if line == b"\0garbage" else line
                       for line in lines)]


def apart(text, _):
    """Standard error and standard output in two inputs, where that says which run it is of."""
    parts = re.split(r"^(?=(?:ops  |finding  )(?s:.*)^repeat  )", text, maxsplit=1, flags=re.M)
    return [part.encode() for part in parts]


def cut(text, draw):
    return [text[:draw.randrange(len(text))].encode()]


def beheaded(text, draw):
    return [text[draw.randrange(len(text)):].encode()]


# What may have happened to a run's output, and whether all of it is still there.
HARM = [
    (lambda text, _: [text.encode()], True),
    (lambda text, _: [text.replace("\n", "\r\n").encode()], True),
    (lambda text, _: [gzip.compress(text.encode())], True),
    (with_progress, True), (with_noise, True), (with_garbage, True), (apart, True),
    (cut, False), (beheaded, False),
]


def run(*args, data=None, cwd=REPORTS):
    done = subprocess.run([sys.executable, TRIAGE, *args], input=data, capture_output=True,
                          cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Titles(unittest.TestCase):
    def test_each_report_has_its_title_and_is_whole(self):
        wanted = expected()
        self.assertEqual(sorted(wanted), sorted(os.listdir(REPORTS)))
        for name, titles in wanted.items():
            with self.subTest(name):
                done = triage(text_of(name))
                self.assertEqual(titles_of(done), titles)
                self.assertEqual(done.notes, [])
                for group in done.groups:
                    self.assertTrue(group.repeat().startswith("mmstorm run fork-fault-munmap "))
                    self.assertTrue(group.example().lines)

    def test_who_came_first_does_not_matter(self):
        text = text_of("tsan_data_race.txt")
        first, second = re.findall(r"^  (?:Previous )?(?:atomic )?(?:read|write) of size.*?\n\n", text,
                                   re.M | re.S | re.I)
        turned = text.replace(second, "").replace(first, second.replace("Previous a", "A") +
                                                  first.replace("Write", "Previous write"))
        self.assertNotEqual(turned, text)
        self.assertEqual(titles_of(triage(turned)), titles_of(triage(text)))

    def test_paths_of_another_machine(self):
        for name, titles in expected().items():
            moved = re.sub(r"(?<=[ (])(?=(?:core|stress)/\w+)", "/some/where/core/else/", text_of(name))
            with self.subTest(name):
                done = triage(moved)
                self.assertEqual(titles_of(done), titles)
                for group in done.groups:
                    frames = [f.path for stack in group.example().stacks for f in stack]
                    self.assertFalse([path for path in frames if path.startswith("/some")])

    def test_a_forgotten_stack_has_a_place_in_the_title(self):
        text = text_of("tsan_data_race.txt")
        lost = re.sub(r"(  Previous atomic read.*?\n)(    #.*?\n)+", r"\1    [failed to restore the stack]\n",
                      text)
        self.assertEqual(titles_of(triage(lost)), ["TSAN: data-race in ? / vm_area_free"])


class Parts(unittest.TestCase):
    """A run in one input, or in several."""

    def test_text_and_json_of_one_run_count_once(self):
        done = triage(text_of("oracle_age.txt"), text_of("oracle_age.json"))
        self.assertEqual(titles_of(done), ["AGE: a reader meets a freed VMA"])
        self.assertEqual((done.nr_runs, done.groups[0].times()), (1, 108))

    def test_the_same_command_twice_is_two_runs(self):
        done = triage(text_of("oracle_age.txt"), text_of("oracle_age.txt"))
        self.assertEqual((done.nr_runs, len(done.groups[0].reports)), (2, 2))

    def test_standard_output_apart(self):
        for name in ("lockdep_order.txt", "tsan_data_race.txt"):
            talk, end = re.split(r"^(?=ops  )", text_of(name), flags=re.M)
            done = triage(end, talk)
            self.assertEqual(titles_of(done), expected()[name])
            self.assertEqual((done.nr_runs, done.notes), (1, []))

    def test_standard_output_alone_says_what_it_lacks(self):
        end = re.split(r"^(?=ops  )", text_of("tsan_two_races.txt"), flags=re.M)[1]
        done = triage(end)
        self.assertEqual(titles_of(done), [scan.UNSEEN])
        self.assertEqual(done.groups[0].times(), 2)
        self.assertTrue(done.notes)

    def test_runs_in_one_input(self):
        names = [name for name in expected() if name.endswith(".txt")]
        done = triage("".join(text_of(name) for name in names))
        self.assertEqual(titles_of(done), sorted(t for name in names for t in expected()[name]))
        self.assertEqual(done.nr_runs, len(names))
        self.assertEqual(done.notes, [])


class NotWhole(unittest.TestCase):
    def test_cut_off_anywhere_it_is_still_said(self):
        for name in expected():
            lines = text_of(name).splitlines()
            for keep in range(1, len(lines)):
                done = triage("\n".join(lines[:keep]))
                if any(TELLING.search(line) for line in lines[:keep]):
                    self.assertTrue(done.groups, f"{name} up to line {keep}")

    def test_cut_in_its_middle_says_so(self):
        for name in ("tsan_data_race.txt", "asan_use_after_free.txt", "ubsan_overflow.txt",
                     "lsan_leaks.txt", "oracle_age.txt", "stall.txt"):
            lines = text_of(name).splitlines()
            begin = next(i for i, line in enumerate(lines) if TELLING.search(line) or line.startswith("AGE"))
            done = triage("\n".join(lines[:begin + 3]))
            self.assertEqual(len(done.notes), 1, name)
            self.assertIn("the input ends in it", done.notes[0][2])

    def test_without_its_beginning_it_is_still_said(self):
        for name in expected():
            lines = text_of(name).splitlines()
            for drop in range(1, len(lines)):
                if any(TELLING.search(line) for line in lines[drop:]):
                    done = triage("\n".join(lines[drop:]))
                    self.assertTrue(done.groups, f"{name} from line {drop}")

    def test_a_finding_within_a_sanitizer_report(self):
        race, age = text_of("tsan_data_race.txt").splitlines(), text_of("oracle_age.txt").splitlines()
        block = age[1:age.index(next(line for line in age if line.startswith("  repeat with"))) + 2]
        at = next(i for i, line in enumerate(race) if "Previous atomic read" in line) + 4
        mixed = race[:at] + block[:3]
        for one, other in zip(block[3:], race[at:]):
            mixed += [one, other]
        mixed += race[at + len(block) - 3:]
        done = triage("\n".join(mixed))
        self.assertEqual(titles_of(done), ["AGE: a reader meets a freed VMA",
                                           "TSAN: data-race in vm_area_free / vma_start_read"])
        self.assertTrue(any("other output runs through it" in note[2] for note in done.notes))
        age_lines, race_lines = (group.example().lines for group in done.groups)
        self.assertEqual(age_lines, [line for line in block if line])
        self.assertEqual([line for line in race_lines if line],
                         [line for line in race[2:race.index("=" * 18, 2)] if line])

    def test_two_sanitizer_reports_that_are_mixed(self):
        race = text_of("tsan_data_race.txt").splitlines()
        other = text_of("asan_use_after_free.txt").splitlines()
        mixed = [line for pair in zip(race[1:], other[3:]) for line in pair]
        done = triage("\n".join(mixed))
        self.assertIn("another report begins in it", " ".join(note[2] for note in done.notes))
        self.assertIn("frames are missing or doubled", " ".join(note[2] for note in done.notes))

    def test_a_broken_json_line(self):
        done = triage(text_of("oracle_age.json")[:200])
        self.assertEqual(titles_of(done), [scan.BROKEN])

    def test_progress_between_the_lines(self):
        lines = text_of("tsan_use_after_free.txt").splitlines()
        lines.insert(5, "#3s ops 1.2M 400.0k/s  faults 3.1k  flushes 20  findings 0  rss 80M")
        done = triage("\n".join(lines))
        self.assertEqual(titles_of(done), expected()["tsan_use_after_free.txt"])
        self.assertIn("other output runs through it", done.notes[0][2])


class Groups(unittest.TestCase):
    def test_a_whole_report_is_shown_rather_than_a_cut_one(self):
        whole = text_of("tsan_data_race.txt")
        cut = "".join(whole.splitlines(keepends=True)[:50])
        for texts in ((cut, whole), (whole, cut)):
            done = triage(*texts)
            self.assertEqual(titles_of(done), 2 * expected()["tsan_data_race.txt"])
            self.assertEqual(done.groups[0].example().wrong, [])

    def test_many_come_first_then_by_title(self):
        texts = [text_of(name) for name in ("warning.txt", "assertion.txt", "stall.txt", "stall.txt")]
        self.assertEqual([group.title for group in triage(*texts).groups],
                         ["STALL: no op has ended", "BUG: len > 0 in plant (syscalls.c)",
                          "WARN: len > 0 in plant (syscalls.c)"])


class Mixed(unittest.TestCase):
    """200 inputs, as a folder of many runs may hold them."""

    @classmethod
    def setUpClass(cls):
        draw, wanted = random.Random(1), expected()
        names = sorted(wanted)
        cls.parts = []      # a run each: of one input or two
        cls.sure = []       # its titles, None where it is not all there
        for i in range(200):
            name = names[i % len(names)]
            harm, whole = HARM[i // len(names) % len(HARM)]
            cls.parts.append(harm(another_run(text_of(name), draw, i + 1), draw))
            cls.sure.append(wanted[name] if whole else None)

    def triage(self, parts, draw):
        """Under names that put them in an order of chance."""
        files = [data for part in parts for data in part]
        names = [f"{draw.getrandbits(64):016x}" for _ in files]
        sources = sorted((inputs.Input(name, inputs.unpack(name, data))
                          for name, data in zip(names, files)), key=lambda source: source.name)
        return groups.Triage(*scan.scan(sources))

    def told(self, done):
        """All that is not a name of an input."""
        return (done.summary(), sorted(note[1:] for note in done.notes),
                [(g.title, len(g.reports), g.times(), len(g.runs), g.example().lines)
                 for g in done.groups])

    def test_each_is_what_it_is_alone(self):
        draw, titles = random.Random(2), []
        for i, (part, sure) in enumerate(zip(self.parts, self.sure)):
            done = self.triage([part], draw)
            titles += titles_of(done)
            if sure:
                with self.subTest(i):
                    self.assertEqual((titles_of(done), done.nr_runs), (sure, 1))
        self.assertEqual(titles_of(self.triage(self.parts, draw)), sorted(titles))

    def test_whatever_order_they_are_in(self):
        draw = random.Random(3)
        first = self.told(self.triage(self.parts, draw))
        for _ in range(4):
            shuffled = draw.sample(self.parts, len(self.parts))
            self.assertEqual(self.told(self.triage(shuffled, draw)), first)

    def test_a_folder_and_its_files_in_any_order(self):
        draw = random.Random(4)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for i, data in enumerate(data for part in self.parts for data in part):
                os.makedirs(os.path.join(folder, str(i % 7)), exist_ok=True)
                files.append(os.path.join(str(i % 7), f"{draw.getrandbits(64):x}.txt"))
                with open(os.path.join(folder, files[-1]), "wb") as f:
                    f.write(data)
            for form in ("text", "markdown", "sarif", "titles"):
                first = run("--format", form, ".", cwd=folder)
                self.assertEqual(first[0], 2)
                draw.shuffle(files)
                self.assertEqual(run("--format", form, *files, cwd=folder), first)


class Command(unittest.TestCase):
    def test_standard_input_and_gzip(self):
        data = text_of("tsan_data_race.txt").encode()
        plain = run("--format", "titles", data=data)
        self.assertEqual(plain[:2], (2, "TSAN: data-race in vm_area_free / vma_start_read\n"))
        self.assertEqual(run("--format", "titles", "-", data=gzip.compress(data)), plain)

    def test_what_is_known_is_no_news(self):
        with tempfile.TemporaryDirectory() as folder:
            known = os.path.join(folder, "known")
            titles = run("--format", "titles", ".")[1]
            with open(known, "w", encoding="utf-8") as f:
                f.write(titles)
            code, out, _ = run("--known", known, ".")
            self.assertEqual(code, 0)
            self.assertEqual(out.count("(known) "), len(titles.splitlines()))
            with open(known, "w", encoding="utf-8") as f:
                f.write(titles.split("\n", 1)[1])
            self.assertEqual(run("--known", known, ".")[0], 2)

    def test_nothing_found(self):
        clean = b"mmstorm run x --cpus 2 --seed 0x1\nmmstorm: SUCCESS seed=0x1 ops=9 findings=0\n"
        code, out, err = run(data=clean)
        self.assertEqual((code, out, err), (0, "0 reports of 0 causes in 1 run (1 SUCCESS)\n", ""))
        self.assertIn("holds no run and no report", run(data=b"hello\n")[1])

    def test_input_that_cannot_be_used(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "cut.gz"), "wb") as f:
                f.write(gzip.compress(b"x" * 1000)[:20])
            os.mkdir(os.path.join(folder, "empty"))
            for path, what in (("none", "none: No such file"), ("cut.gz", "cut.gz: cannot be unpacked"),
                               ("empty", "empty: holds no file"), ("--format=xml", "invalid choice: 'xml'"),
                               ("--known=none", "none: No such file")):
                code, out, err = run(path, cwd=folder, data=b"")
                self.assertEqual((code, out), (1, ""), path)
                self.assertIn(what, err)


class Sarif(unittest.TestCase):
    """The structure that SARIF 2.1.0 asks for, as far as it is used here."""

    def setUp(self):
        self.log = json.loads(run("--format", "sarif", "--known", os.devnull, ".")[1])
        self.run = self.log["runs"][0]

    def check_location(self, location):
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        self.assertFalse(uri.startswith("/"))
        self.assertTrue(uri.startswith(("core/", "stress/")))
        self.assertIn(place["artifactLocation"]["uriBaseId"], self.run["originalUriBaseIds"])
        self.assertGreaterEqual(place["region"]["startLine"], 1)

    def test_log(self):
        self.assertEqual(self.log["version"], "2.1.0")
        self.assertEqual(len(self.log["runs"]), 1)
        self.assertTrue(self.run["tool"]["driver"]["name"])
        self.assertEqual(self.run["invocations"],
                         [{"executionSuccessful": True, "toolExecutionNotifications": []}])

    def test_results(self):
        rules = self.run["tool"]["driver"]["rules"]
        self.assertEqual(len({rule["id"] for rule in rules}), len(rules))
        titles = {title for found in expected().values() for title in found}
        self.assertEqual({r["properties"]["title"] for r in self.run["results"]}, titles)
        for result in self.run["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
            self.assertEqual((result["level"], result["baselineState"]), ("error", "new"))
            self.assertTrue(result["message"]["text"])
            self.assertGreaterEqual(result["occurrenceCount"], 1)
            self.assertRegex(result["partialFingerprints"]["title/v1"], r"^[0-9a-f]{64}$")
            for location in result["locations"] + result.get("relatedLocations", []):
                self.check_location(location)
            stacks = result.get("stacks", [])
            self.assertEqual(len({json.dumps(s) for s in stacks}), len(stacks), "a set")
            for stack in stacks:
                for frame in stack["frames"]:
                    self.check_location(frame["location"])

    def test_not_whole_is_a_notification(self):
        data = text_of("tsan_data_race.txt")[:2000].encode()
        told = json.loads(run("--format", "sarif", data=data)[1])["runs"][0]["invocations"][0]
        self.assertEqual([n["level"] for n in told["toolExecutionNotifications"]], ["warning"])


if __name__ == "__main__":
    unittest.main()
