"""Tests of the Python binding: python -m unittest discover -s bindings/python/tests

They run against the installed package, with the demo model and the fixtures of the repository."""

import array
import io
import json
import math
import mmap
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

import inlay
from inlay import Finish, Status

try:
    import numpy
except ImportError:
    numpy = None

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEMO = ROOT / "examples" / "demo_model" / "demo.gguf"
MODELS = ROOT / "tests" / "fixtures" / "models"
PROMPT = "Once upon a time"


def read_ids(name):
    return [int(word) for word in (MODELS / f"{name}.tokens.txt").read_text().split()]


def rows_of(buffer):
    """The rows of a Logits object as lists of floats."""
    return memoryview(buffer).tolist()


def last_row(model, ids, **options):
    """The bytes of the logits that follow `ids`."""
    with model.session(**options) as session:
        sequence = session.add()
        session.feed(sequence, ids)
        assert session.step().status == Status.LOGITS
        return memoryview(session.logits_buffer(sequence)).tobytes()


class BindingTest(unittest.TestCase):
    def assert_refused(self, status, *names):
        """The block raises inlay.Error with this status and all these words in its text."""
        test = self

        class Refused:
            def __enter__(self):
                self.context = test.assertRaises(inlay.Error)
                self.raised = self.context.__enter__()
                return self.raised

            def __exit__(self, *exception):
                result = self.context.__exit__(*exception)
                if result:
                    error = self.raised.exception
                    test.assertEqual(error.status, status, error.text)
                    for name in names:
                        test.assertIn(str(name), error.text)
                return result

        return Refused()


class Generate(BindingTest):
    @classmethod
    def setUpClass(cls):
        cls.model = inlay.Model(DEMO)
        cls.eos = cls.model.tokenizer.info.eos

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def test_greedy_equals_argmax_of_logits(self):
        generation = self.model.generate(PROMPT, max_tokens=40, temperature=0)
        pieces = list(generation)

        ids = self.model.tokenizer.encode(PROMPT)
        found = []
        with self.model.session() as session:
            sequence = session.add()
            session.feed(sequence, ids)
            while len(found) < len(generation.tokens):
                event = session.step()
                self.assertEqual((event.status, event.sequence), (Status.LOGITS, sequence))
                (row,) = rows_of(session.logits_buffer(sequence))
                found.append(row.index(max(row)))
                session.feed(sequence, found[-1:])
        self.assertEqual(generation.tokens, found)
        self.assertGreaterEqual(len(found), 20)
        self.assertEqual("".join(pieces), self.model.tokenizer.decode(
            t for t in found if not self.model.tokenizer.is_end(t)))

    def test_seed_decides(self):
        def text(seed):
            return "".join(self.model.generate(PROMPT, max_tokens=30, temperature=1.2, seed=seed))

        self.assertEqual(text(7), text(7))
        self.assertGreater(len({text(seed) for seed in range(4)}), 1)

    def test_prompt_of_ids(self):
        ids = self.model.tokenizer.encode(PROMPT)
        options = {"max_tokens": 10, "temperature": 0}
        self.assertEqual(list(self.model.generate(iter(ids), **options)),
                         list(self.model.generate(PROMPT, **options)))

    def test_finish(self):
        forbidden = {self.eos: -math.inf}
        generation = self.model.generate(PROMPT, max_tokens=5, bias=forbidden)
        list(generation)
        self.assertEqual((generation.finish, len(generation.tokens)), (Finish.TOKENS, 5))

        ids = self.model.tokenizer.encode(PROMPT)
        generation = self.model.generate(ids, context=32, bias=forbidden)
        list(generation)
        self.assertEqual(generation.finish, Finish.CONTEXT)
        self.assertIn(len(ids) + len(generation.tokens), (32, 33))

        generation = self.model.generate(PROMPT, temperature=0, bias={self.eos: 1e6})
        self.assertEqual("".join(generation), "")
        self.assertEqual((generation.finish, generation.tokens), (Finish.END, [self.eos]))

    def test_cancel_from_another_thread(self):
        context = self.model.info.context_length
        generation = self.model.generate(PROMPT, context=context, bias={self.eos: -math.inf})
        first = threading.Event()
        pieces = []

        def consume():
            for piece in generation:
                pieces.append(piece)
                first.set()

        thread = threading.Thread(target=consume)
        thread.start()
        self.assertTrue(first.wait(30))
        generation.cancel()
        thread.join(30)
        self.assertFalse(thread.is_alive())
        self.assertEqual(generation.finish, Finish.NONE)
        self.assertLess(len(generation.tokens), context - 20)
        self.assertEqual(list(generation), [])
        generation.cancel()

    def test_close_in_the_middle(self):
        with self.model.generate(PROMPT, bias={self.eos: -math.inf}) as generation:
            next(generation)
        self.assertEqual(list(generation), [])

    def test_two_threads_share_a_model(self):
        def text(seed):
            return "".join(self.model.generate(PROMPT, max_tokens=60, seed=seed, threads=1))

        expected = {seed: text(seed) for seed in range(4)}
        found = {}

        def work(seeds):
            for seed in seeds:
                found[seed] = text(seed)

        threads = [threading.Thread(target=work, args=(s,)) for s in ((0, 1), (2, 3))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, expected)

    def test_refusals(self):
        with self.assert_refused(Status.ARGUMENT, "temperature", "-1"):
            self.model.generate(PROMPT, temperature=-1)
        with self.assert_refused(Status.ARGUMENT, "temperature"):
            self.model.generate(PROMPT, temperature=math.nan)
        with self.assert_refused(Status.ARGUMENT, "top_p", "2"):
            self.model.generate(PROMPT, top_p=2)
        with self.assert_refused(Status.ARGUMENT, "seed", "-5"):
            self.model.generate(PROMPT, seed=-5)
        with self.assert_refused(Status.ARGUMENT, 10**6):
            self.model.generate(PROMPT, bias={10**6: 1.0})
        with self.assert_refused(Status.ARGUMENT, "kv_type", "f8", "f16"):
            self.model.generate(PROMPT, kv_type="f8")
        with self.assert_refused(Status.ARGUMENT, "prompt"):
            self.model.generate("", add_special=False)
        with self.assert_refused(Status.LIMIT, "8", "100"):
            self.model.generate([5] * 100, context=8)
        with self.assertRaisesRegex(TypeError, "temprature"):
            self.model.generate(PROMPT, temprature=1)
        with self.assertRaises(TypeError):
            self.model.generate(PROMPT, top_k=1.5)


class Sample(BindingTest):
    @classmethod
    def setUpClass(cls):
        cls.model = inlay.Model(DEMO)
        cls.ids = cls.model.tokenizer.encode(PROMPT)

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def tokens(self, **options):
        generation = self.model.generate(self.ids, max_tokens=20, **options)
        list(generation)
        return generation.tokens

    def row(self, ids=None):
        """A copy of the logits that follow."""
        return memoryview(last_row(self.model, ids or self.ids)).cast("f")

    def test_stop_texts(self):
        whole = "".join(self.model.generate(PROMPT, max_tokens=30, temperature=0))
        stop = whole[12:15]
        generation = self.model.generate(PROMPT, max_tokens=30, temperature=0, stop=["\0", stop])
        self.assertEqual("".join(generation), whole[:whole.index(stop)])
        self.assertEqual(generation.finish, Finish.TEXT)
        with self.model.session() as session:
            sequence = session.add()
            session.set_stop_texts(sequence, ("\0", stop))
            session.feed(sequence, self.ids)
            session.generate(sequence, temperature=0)
            while (event := session.step()).finish == Finish.NONE:
                pass
            self.assertEqual((event.finish, event.stop_text), (Finish.TEXT, 1))
            with self.assertRaisesRegex(TypeError, "texts: .*'abc'"):
                session.set_stop_texts(sequence, "abc")

    def test_log_probabilities(self):
        generation = self.model.generate(PROMPT, max_tokens=8, temperature=0, logprobs=3)
        list(generation)
        self.assertEqual([told.token.token for told in generation.logprobs], generation.tokens)
        row = self.row()
        most = max(row)
        total = most + math.log(sum(math.exp(x - most) for x in row))
        best = sorted(range(len(row)), key=lambda id: (-row[id], id))[:3]
        for told in (generation.logprobs[0].top, inlay.top_logprobs(row, 3)):
            self.assertEqual([of.token for of in told], best)
            for of in told:
                self.assertAlmostEqual(of.logprob, row[of.token] - total, places=5)
        self.assertEqual(generation.logprobs[0].token, generation.logprobs[0].top[0])

        drawn_from = self.model.generate(PROMPT, max_tokens=4, top_k=2, top_p=1, min_p=0, logprobs=5,
                                         logprobs_of="candidates")
        list(drawn_from)
        for told in drawn_from.logprobs:
            self.assertEqual(len(told.top), 2)
            self.assertAlmostEqual(sum(math.exp(of.logprob) for of in told.top), 1, places=5)

        self.assertEqual(self.model.generate(PROMPT, max_tokens=1).logprobs, [])
        with self.model.session() as session:
            sequence = session.add()
            with self.assert_refused(Status.STATE, f"sequence {sequence}", "log-probabilities"):
                session.logprobs(sequence)

    def test_order_of_stages(self):
        def drawn(*stages):
            return self.tokens(temperature=5, top_p=0.5, top_k=0, min_p=0, seed=3, stages=stages)

        self.assertEqual(drawn("temperature", "top_p"), self.tokens(
            temperature=5, top_p=0.5, top_k=0, min_p=0, seed=3))
        self.assertNotEqual(drawn("top_p", "temperature"), drawn("temperature", "top_p"))
        with self.assert_refused(Status.ARGUMENT, "stages", "middle_p"):
            drawn("middle_p")
        with self.assert_refused(Status.ARGUMENT, "stages", "draw"):
            drawn("draw")
        with self.assert_refused(Status.ARGUMENT, "stages", "top_k"):
            drawn("top_k", "top_k")

    def test_stages_of_the_host(self):
        seen = []

        def only_even(candidates):
            logits, ids = candidates.logits, candidates.ids
            for i, id in enumerate(ids):
                if id % 2:
                    logits[i] = -math.inf
            seen.append((candidates, candidates.position, candidates.tokens, len(candidates)))

        bias = {id: -math.inf for id in range(1, self.model.info.vocabulary, 2)}
        drawn = self.tokens(temperature=0, host_stages=[only_even])
        self.assertTrue(all(id % 2 == 0 for id in drawn))
        self.assertEqual(len(seen), len(drawn))
        if len(bias) <= 1024:
            self.assertEqual(drawn, self.tokens(temperature=0, bias=bias))
        for i, (candidates, position, tokens, count) in enumerate(seen):
            self.assertEqual(position, len(self.ids) + i)
            self.assertEqual(tokens, self.ids + drawn[:i])
            self.assertEqual(count, self.model.info.vocabulary)
            with self.assert_refused(Status.STATE, "during the call"):
                candidates.logits

    def test_stages_of_the_host_in_a_session(self):
        class Unwanted(Exception):
            pass

        calls = []

        def refuse_third(candidates):
            calls.append(candidates.position)
            if candidates.position == len(self.ids) + 2:
                raise Unwanted

        with self.model.session(sequences=2) as session:
            one = session.add()
            session.feed(one, self.ids)
            session.generate(one, temperature=0, host_stages=[refuse_third])
            self.assertEqual(session.step().status, Status.TOKEN)
            two = session.fork(one)  # with the stages
            session.drop(one)
            self.assertEqual(session.step().sequence, two)
            with self.assertRaises(Unwanted):
                session.step()
            self.assertEqual(calls, [len(self.ids) + i for i in range(3)])
            session.generate(two, temperature=0)
            self.assertEqual(session.step().status, Status.TOKEN)
            self.assertEqual(len(calls), 3)
        with self.assertRaisesRegex(TypeError, "host_stages: .*17"):
            self.tokens(host_stages=[17])

    def test_breakers(self):
        def drawn(**options):
            return self.tokens(temperature=0, dry_multiplier=50, dry_base=4, dry_allowed_length=1,
                               bias=dict.fromkeys(self.ids, 4.0), **options)

        self.assertEqual(drawn(), drawn(dry_breakers=["\n", ":", '"', "*"]))
        self.assertNotEqual(drawn(), drawn(dry_breakers=[" ", "e", "a", "o", "t"]))
        with self.assert_refused(Status.ARGUMENT, "dry_breakers[1]", "33 bytes"):
            drawn(dry_breakers=["a", "a" * 33])
        with self.assertRaisesRegex(TypeError, "dry_breakers: .*'ab'"):
            drawn(dry_breakers="ab")

    def test_a_sampler_of_its_own(self):
        options = {"temperature": 1.1, "seed": 5, "repeat_penalty": 1.3}
        sampler = inlay.Sampler(self.model, **options)
        expected = self.tokens(**options)
        tokens = list(self.ids)
        for token in expected[:5]:
            self.assertEqual(sampler.draw(self.row(tokens), tokens, len(tokens)), token)
            tokens.append(token)

        def burn(candidates):
            raise KeyError("burnt")

        with self.assertRaises(KeyError):
            inlay.Sampler(self.model, host_stages=[burn]).draw(self.row(), self.ids, 0)
        with self.assertRaisesRegex(TypeError, "float32"):
            sampler.draw(b"1234", [], 0)
        with self.assert_refused(Status.ARGUMENT, 2, self.model.info.vocabulary):
            sampler.draw(array.array("f", [1, 2]), [], 0)

    def test_guidance(self):
        wanted, other = self.row(), self.row(self.ids[:1])
        same = inlay.guide(wanted, other, 1)
        most, total = max(wanted), sum(math.exp(x - max(wanted)) for x in wanted)
        for a, b in zip(same, wanted):
            self.assertAlmostEqual(a, b - most - math.log(total), places=4)
        strong = inlay.guide(wanted, other, 3)
        negative = inlay.guide(wanted, other, 0)
        for s, c, u in zip(strong, same, negative):
            self.assertAlmostEqual(s, u + 3 * (c - u), delta=1e-4 * (1 + abs(s)))
        with self.assert_refused(Status.ARGUMENT, "scale"):
            inlay.guide(wanted, other, math.nan)
        with self.assert_refused(Status.ARGUMENT, 3, len(wanted)):
            inlay.guide(wanted, array.array("f", [0, 1, 2]), 1)


class Tokenize(BindingTest):
    @classmethod
    def setUpClass(cls):
        cls.model = inlay.Model(DEMO, depth="metadata")
        cls.tokenizer = cls.model.tokenizer

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def test_round_trip(self):
        for text in ("", PROMPT, "  two  spaces\n\n", "x" * 5000,
                     "na\u00efve \u65e5\u672c \U0001f642"):
            ids = self.tokenizer.encode(text, add_special=False)
            self.assertEqual(self.tokenizer.decode(ids), text)
            self.assertEqual(b"".join(map(self.tokenizer.piece, ids)), text.encode())
        self.assertEqual(self.tokenizer.encode(PROMPT), self.tokenizer.encode(PROMPT.encode()))

    def test_special_tokens(self):
        info = self.tokenizer.info
        self.assertTrue(self.tokenizer.is_end(info.eos))
        self.assertEqual(len(self.tokenizer), info.size)
        plain = self.tokenizer.encode(PROMPT, add_special=False)
        self.assertFalse(any(map(self.tokenizer.is_end, plain)))
        self.assertEqual(self.tokenizer.encode(PROMPT), [info.bos] * info.adds_bos + plain)
        name = self.tokenizer.piece(info.eos).decode()
        self.assertEqual(self.tokenizer.encode(name, add_special=False, parse_special=True),
                         [info.eos])
        self.assertNotIn(info.eos, self.tokenizer.encode(name, add_special=False))
        self.assertEqual(self.tokenizer.decode([info.eos]), "")
        self.assertEqual(self.tokenizer.decode([info.eos], special=True), name)

    def test_stream_gives_whole_characters(self):
        text = "na\u00efve \u65e5\u672c \U0001f642!"
        ids = self.tokenizer.encode(text, add_special=False)
        stream = self.tokenizer.stream()
        pieces = [stream.push(id) for id in ids]
        self.assertEqual("".join(pieces) + stream.finish(), text)
        self.assertIn("", pieces)
        self.assertNotIn("\ufffd", "".join(pieces))

        cut = next(i for i, piece in enumerate(pieces) if piece == "") + 1
        stream = self.tokenizer.stream()
        before = "".join(stream.push(id) for id in ids[:cut])
        self.assertTrue(text.startswith(before))
        self.assertEqual(stream.finish(), "\ufffd")

    def test_refusals(self):
        size = len(self.tokenizer)
        for call in (self.tokenizer.piece, self.tokenizer.stream().push):
            with self.assert_refused(Status.ARGUMENT, size):
                call(size)
        with self.assert_refused(Status.ARGUMENT, size):
            self.tokenizer.decode([1, size])
        with self.assert_refused(Status.ARGUMENT, "ids[1]", 2**40):
            self.tokenizer.decode([1, 2**40])
        with self.assertRaises(TypeError):
            self.tokenizer.decode("text")
        with self.assertRaises(TypeError):
            self.tokenizer.encode(5)
        with self.assertRaises(UnicodeEncodeError):
            self.tokenizer.encode("\ud800")


class Open(BindingTest):
    path = MODELS / "llama-gqa.gguf"

    def test_every_source_gives_the_same_logits(self):
        ids = read_ids("llama-gqa.short")
        with inlay.Model(self.path) as model:
            expected = last_row(model, ids)
        content = self.path.read_bytes()
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
            writer.writestr("model.gguf", content)
        with open(self.path, "rb") as file, zipfile.ZipFile(archive) as packed, \
                packed.open("model.gguf") as entry, \
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            sources = {"str": str(self.path), "bytes": content, "bytearray": bytearray(content),
                       "memoryview": memoryview(content), "mmap": mapped,
                       "odd address": memoryview(b"x" + content)[1:],
                       "file": file, "BytesIO": io.BytesIO(content), "zip": entry}
            for name, source in sources.items():
                with self.subTest(name), inlay.Model(source) as model:
                    self.assertEqual(last_row(model, ids), expected)

    def test_about_the_model(self):
        with inlay.Model(self.path) as model:
            info = model.info
            self.assertEqual((info.architecture, info.depth, info.vocabulary),
                             ("llama", "weights", 64))
            self.assertEqual(model.metadata["general.architecture"], "llama")
            self.assertEqual(model.metadata["llama.block_count"], info.layers)
            self.assertIsInstance(model.metadata["llama.attention.layer_norm_rms_epsilon"], float)
            self.assertEqual(model.metadata["tokenizer.ggml.tokens"],
                             inlay.MetadataArray("string", 64))
            self.assertEqual(len(model.metadata), info.metadata_count)
            self.assertEqual(sum(t.bytes for t in model.tensors), info.weight_bytes)
            self.assertEqual(sum(math.prod(t.shape) for t in model.tensors), info.parameters)
            self.assertIn("llama", repr(model))
            small, large = model.plan(context=64), model.plan(context=128)
            self.assertEqual(small.total,
                             small.metadata + small.weights + small.state + small.scratch)
            self.assertGreater(large.state, small.state)
            self.assertGreaterEqual(model.explain().count("\n"), info.layers)

    def test_depth(self):
        with inlay.Model(self.path, depth="program") as model:
            with inlay.Model(self.path) as whole:
                self.assertEqual(model.plan().state, whole.plan().state)
            with self.assert_refused(Status.STATE, "weights"):
                model.session()
        with inlay.Model(self.path, depth="metadata") as model:
            self.assertEqual(model.info.depth, "metadata")
            with self.assert_refused(Status.STATE):
                model.plan()
        with self.assert_refused(Status.ARGUMENT, "depth", "all"):
            inlay.Model(self.path, depth="all")

    def test_every_isa_gives_the_same_bits(self):
        ids = read_ids("llama-gqa.short")
        usable = [unit.name for unit in inlay.isas() if unit.usable]
        self.assertEqual(usable[0], "scalar")
        results = set()
        for name in usable:
            with inlay.Model(self.path, isa=name) as model:
                self.assertEqual(model.info.isa, name)
                results.add(last_row(model, ids))
        self.assertEqual(len(results), 1)
        with self.assertRaisesRegex(inlay.Error, "abacus"):
            inlay.Model(self.path, isa="abacus")

    def test_refusals(self):
        content = self.path.read_bytes()
        with self.assert_refused(Status.IO, "no-such-file.gguf"):
            inlay.Model("no-such-file.gguf")
        with self.assert_refused(Status.FORMAT):
            inlay.Model(b"this is not a model, but it is long enough to look like one")
        with self.assert_refused(Status.FORMAT):
            inlay.Model(b"")
        for size in (10, 100, len(content) // 2, len(content) - 1):
            with self.assert_refused(Status.FORMAT):
                inlay.Model(content[:size])
        for source in (5, None, "text".split(), io.StringIO):
            with self.assertRaises(TypeError):
                inlay.Model(source)

    def test_reader_that_fails(self):
        class Broken(io.BytesIO):
            def read(self, size=-1):
                raise ValueError("the disk is on fire")

        class Short(io.BytesIO):
            def read(self, size=-1):
                return b""

        content = self.path.read_bytes()
        with self.assertRaisesRegex(ValueError, "on fire"):
            inlay.Model(Broken(content))
        with self.assert_refused(Status.IO, "asked for", "got 0"):
            inlay.Model(Short(content))
        with self.assertRaises(TypeError):
            inlay.Model(io.StringIO("text"))

    def test_close_gives_the_buffer_back(self):
        content = bytearray(self.path.read_bytes())
        model = inlay.Model(content)
        session = model.session()
        with self.assertRaises(BufferError):
            content.append(0)
        model.close()
        with self.assertRaises(BufferError):
            content.append(0)
        sequence = session.add()
        session.feed(sequence, [1, 2, 3])
        self.assertEqual(session.step().status, Status.LOGITS)
        session.close()
        content.append(0)

    def test_closed(self):
        model = inlay.Model(self.path)
        session = model.session()
        for thing in (model, session):
            self.assertFalse(thing.closed)
            thing.close()
            thing.close()
            self.assertTrue(thing.closed)
        for call in (model.session, model.plan, lambda: model.tensors, lambda: model.tokenizer,
                     session.add, session.step, session.cancel):
            with self.assert_refused(Status.STATE, "closed"):
                call()
        self.assertEqual(model.info.architecture, "llama")

    @unittest.skipUnless(sys.platform == "linux", "SKIPPED: memory is read from /proc")
    def test_nothing_is_left_behind(self):
        content = self.path.read_bytes()

        def use():
            with inlay.Model(content) as model, model.session(threads=2, context=64) as session:
                sequence = session.add()
                session.feed(sequence, [1, 2, 3])
                session.step()
                session.logits_buffer(sequence)
                list(model.generate([1], max_tokens=2, context=64))
            with self.assert_refused(Status.FORMAT):
                inlay.Model(content[:3000])

        def resident_bytes():
            pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
            return int(pages) * mmap.PAGESIZE

        for _ in range(50):
            use()
        before = resident_bytes()
        for _ in range(150):
            use()
        self.assertLess(resident_bytes() - before, 1 << 20)


class Step(BindingTest):
    @classmethod
    def setUpClass(cls):
        cls.model = inlay.Model(DEMO)

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def test_logits_at_every_position(self):
        for name in ("llama-mha", "qwen2", "gptneox-parallel", "bloom-6-heads"):
            ids = read_ids(f"{name}.short")
            values = array.array("f")
            values.frombytes((MODELS / f"{name}.short.logits.bin").read_bytes())
            if sys.byteorder == "big":
                values.byteswap()
            width = len(values) // len(ids)
            expected = [values[i:i + width].tolist() for i in range(0, len(values), width)]
            bound = 1e-4 * max(map(abs, values))
            for rows in (1, 5, len(ids)):
                with self.subTest(name, rows=rows), inlay.Model(MODELS / f"{name}.gguf") as model, \
                        model.session(context=64, logits_rows=rows) as session:
                    sequence = session.add()
                    session.feed(sequence, ids, all_logits=True)
                    found = []
                    while session.step().status == Status.LOGITS:
                        logits = session.logits_buffer(sequence)
                        self.assertEqual(logits.position, len(found))
                        self.assertEqual(memoryview(logits).shape, (logits.rows, width))
                        found += rows_of(logits)
                    self.assertEqual(len(found), len(ids))
                    error = max(abs(a - b) for x, y in zip(found, expected) for a, b in zip(x, y))
                    self.assertLessEqual(error, bound)
                    self.assertEqual(session.length(sequence), (len(ids), 0))

    def test_budget_and_threads_change_nothing(self):
        ids = self.model.tokenizer.encode(PROMPT * 8)
        expected = last_row(self.model, ids)
        for options in ({"threads": 1}, {"threads": 2, "chunk": 7}, {"sequences": 3}):
            self.assertEqual(last_row(self.model, ids, **options), expected)
        with self.model.session(threads=1) as session:
            sequence = session.add()
            session.feed(sequence, ids)
            yields = 0
            while (event := session.step(budget_ns=1)).status == Status.YIELD:
                self.assertEqual((event.sequence, event.token), (0, -1))
                yields += 1
            self.assertGreater(yields, 10)
            self.assertEqual(event.status, Status.LOGITS)
            self.assertEqual(memoryview(session.logits_buffer(sequence)).tobytes(), expected)

    def test_sequences(self):
        with self.model.session(sequences=2) as session:
            one, two = session.add(), session.add()
            with self.assert_refused(Status.LIMIT, 2):
                session.add()
            session.feed(one, [5, 6, 7])
            session.feed(two, [9])
            self.assertEqual(session.length(one), (0, 3))
            session.generate(two, max_tokens=1, temperature=0)
            events = {session.step() for _ in range(2)}
            self.assertEqual({(e.status, e.sequence) for e in events},
                             {(Status.LOGITS, one), (Status.TOKEN, two)})
            self.assertEqual({e.finish for e in events}, {Finish.NONE, Finish.TOKENS})
            self.assertEqual(session.step().status, Status.DONE)
            session.feed(one, [8])
            session.clear(one)
            self.assertEqual(session.length(one), (3, 0))
            session.drop(two)
            for call in (session.drop, session.clear, session.length, session.logits_buffer):
                with self.assert_refused(Status.STATE, "sequence"):
                    call(two)
            with self.assert_refused(Status.STATE):
                session.feed(two, [1])
            with self.assert_refused(Status.ARGUMENT, len(self.model.tokenizer)):
                session.feed(one, [1, len(self.model.tokenizer)])
            with self.assert_refused(Status.ARGUMENT, -1):
                session.feed(one, [-1])
            self.assertEqual(session.length(one), (3, 0))

    def test_stop_gives_logits_again(self):
        with self.model.session() as session:
            sequence = session.add()
            session.feed(sequence, [5, 6])
            session.generate(sequence, temperature=0)
            self.assertEqual(session.step().status, Status.TOKEN)
            session.stop(sequence)
            self.assertEqual(session.step().status, Status.LOGITS)

    def test_options_out_of_range(self):
        with self.assert_refused(Status.LIMIT, "context", 2**21):
            self.model.session(context=2**21)
        with self.assert_refused(Status.ARGUMENT, "context", 2**32):
            self.model.session(context=2**32)
        with self.assertRaisesRegex(TypeError, "contxt"):
            self.model.session(contxt=5)
        with self.assertRaises(TypeError):
            self.model.session(context=5.0)

    def test_cancel_before_a_step(self):
        with self.model.session() as session:
            sequence = session.add()
            session.feed(sequence, [1] * 100)
            session.cancel()
            self.assertEqual(session.step().status, Status.YIELD)
            self.assertEqual(session.step().status, Status.LOGITS)

    def slow_session(self):
        """A session whose next step takes some tenths of a second, and its sequence."""
        model = inlay.Model(DEMO, isa="scalar")
        self.addCleanup(model.close)
        session = model.session(threads=1, context=192)
        self.addCleanup(session.close)
        sequence = session.add()
        session.feed(sequence, range(192))
        return session, sequence

    def test_second_caller_is_refused_and_python_goes_on(self):
        session, sequence = self.slow_session()
        events = []
        thread = threading.Thread(target=lambda: events.append(session.step()))
        thread.start()
        refused = turns = 0
        while thread.is_alive():
            turns += 1
            try:
                session.length(sequence)
            except inlay.Error as error:
                self.assertEqual(error.status, Status.STATE)
                self.assertIn("busy", error.text)
                refused += 1
            time.sleep(0.001)
        self.assertEqual([e.status for e in events], [Status.LOGITS])
        self.assertGreater(refused, 10)

    def test_close_stops_a_step(self):
        session, _ = self.slow_session()
        events = []
        thread = threading.Thread(target=lambda: events.append(session.step()))
        thread.start()
        time.sleep(0.05)
        session.close()
        thread.join(30)
        self.assertEqual([e.status for e in events], [Status.YIELD])

    @unittest.skipUnless(hasattr(signal, "setitimer"), "SKIPPED: no interval timer here")
    def test_signal_interrupts_a_step(self):
        class Interrupt(Exception):
            pass

        def interrupt(*_):
            raise Interrupt

        session, sequence = self.slow_session()
        previous = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with self.assertRaises(Interrupt):
                session.step()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        self.assertNotEqual(session.length(sequence)[1], 0)
        self.assertEqual(session.step().status, Status.LOGITS)

    def test_logits_cannot_be_written(self):
        with self.model.session() as session:
            sequence = session.add()
            with self.assert_refused(Status.STATE, "logits"):
                session.logits_buffer(sequence)
            session.feed(sequence, [1])
            session.step()
            self.assertTrue(memoryview(session.logits_buffer(sequence)).readonly)

    @unittest.skipUnless(numpy, "SKIPPED: numpy is not installed")
    def test_numpy_view(self):
        session = self.model.session()
        sequence = session.add()
        session.feed(sequence, [1, 2, 3])
        session.step()
        view = session.logits(sequence)
        self.assertEqual((view.shape, view.dtype), ((1, self.model.info.vocabulary), numpy.float32))
        self.assertTrue(numpy.shares_memory(view, session.logits(sequence)))
        with self.assertRaises(ValueError):
            view[0, 0] = 1
        kept = view.copy()
        self.assertTrue(numpy.isfinite(kept).all())
        session.close()
        self.assertTrue((view == kept).all())


class Voices(BindingTest):
    """Sequences that share, go back, come to an end of the context, and come back from files."""

    @classmethod
    def setUpClass(cls):
        cls.model = inlay.Model(DEMO)
        cls.eos = cls.model.tokenizer.info.eos
        cls.ids = cls.model.tokenizer.encode((PROMPT + " there was. ") * 20)[:150]
        assert len(cls.ids) == 150

    @classmethod
    def tearDownClass(cls):
        cls.model.close()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def tokens_of(self, session, sequence, count, **options):
        """The next tokens of a sequence, the last one fed too."""
        found = []
        session.generate(sequence, max_tokens=count, bias={self.eos: -math.inf}, **options)
        while not found or event.finish == Finish.NONE:
            event = session.step()
            if event.sequence != sequence:
                self.assertEqual(event.status, Status.LOGITS)  # of another one
                continue
            self.assertEqual(event.status, Status.TOKEN)
            found.append(event.token)
        session.feed(sequence, found[-1:])
        return found

    def row(self, session, sequence):
        self.assertEqual(session.step().status, Status.LOGITS)
        return memoryview(session.logits_buffer(sequence)).tobytes()

    def test_what_is_computed_is_found_again(self):
        expected = last_row(self.model, self.ids)
        for reuse in (True, False):
            with self.model.session(sequences=3, reuse=reuse) as session:
                for turn in range(3):
                    sequence = session.add()
                    session.feed(sequence, self.ids)
                    self.assertEqual(self.row(session, sequence), expected)
                    if turn == 0:
                        session.drop(sequence)
                info = session.info()
                count = len(self.ids)
                self.assertEqual(info.tokens_computed + info.tokens_reused, 3 * count)
                self.assertEqual(info.tokens_reused, 2 * (count - 1) if reuse else 0)
                self.assertEqual((info.alive, info.sequences), (2, 3))
                self.assertEqual(info.pages_used, 3 if reuse else 6)
                self.assertGreater(info.prefill_ns, 0)
                self.assertGreaterEqual(info.weight_bytes_read, info.passes)

    def test_fork_and_rewind(self):
        with self.model.session(sequences=2) as session:
            one = session.add()
            session.feed(one, self.ids)
            first = self.row(session, one)
            two = session.fork(one)
            self.assertEqual(session.tokens(two), self.ids)
            told = [self.tokens_of(session, s, 10, seed=3) for s in (one, two)]
            self.assertEqual(told[0], told[1])
            self.assertEqual(session.tokens(one), self.ids + told[0])
            with self.assert_refused(Status.LIMIT, 2):
                session.fork(one)
            session.rewind(one, 100)
            self.assertEqual(session.tokens(one), self.ids[:100])
            session.feed(one, self.ids[100:])
            session.clear(two)
            self.assertEqual(self.row(session, one), first)
            with self.assert_refused(Status.ARGUMENT, len(self.ids), len(self.ids) + 1):
                session.rewind(one, len(self.ids) + 1)
            session.drop(two)
            for call in (session.fork, session.tokens, lambda s: session.rewind(s, 0),
                         lambda s: session.set_stop(s, []),
                         lambda s: session.set_context_policy(s, "stop")):
                with self.assert_refused(Status.STATE):
                    call(two)

    def test_context_policies(self):
        forever = {"bias": {self.eos: -math.inf}}
        with self.model.session(context=64) as session:
            sequence = session.add()
            session.feed(sequence, self.ids[:60])
            with self.assert_refused(Status.LIMIT, 64):
                session.feed(sequence, self.ids[:5])
            session.set_context_policy(sequence, "refuse")
            with self.assert_refused(Status.LIMIT):
                session.generate(sequence, max_tokens=50, **forever)
            session.set_context_policy(sequence, "drop", keep=10)
            session.generate(sequence, max_tokens=50, **forever)
            dropped = 0
            while (event := session.step()).finish == Finish.NONE:
                dropped += event.dropped
            self.assertEqual(event.finish, Finish.TOKENS)
            dropped += event.dropped
            self.assertGreaterEqual(dropped, 25)
            self.assertEqual(session.info().tokens_dropped, dropped)
            left = session.tokens(sequence)
            self.assertEqual(left[:10], self.ids[:10])
            self.assertEqual(len(left), 60 + 49 - dropped)
            for wrong in ({"policy": "forget"}, {"policy": "drop", "keep": 64}):
                with self.assert_refused(Status.ARGUMENT):
                    session.set_context_policy(sequence, **wrong)

    def test_stop_tokens(self):
        with self.model.session() as session:
            sequence = session.add()
            session.feed(sequence, self.ids[:20])
            first = self.tokens_of(session, sequence, 8, temperature=0)
            session.rewind(sequence, 20)
            session.set_stop(sequence, first[5:6])
            session.generate(sequence, temperature=0)
            found = []
            while not found or event.finish == Finish.NONE:
                event = session.step()
                found.append(event.token)
            self.assertEqual(event.finish, Finish.STOP)
            self.assertEqual(found, first[:first.index(first[5]) + 1])

            session.set_stop(sequence, [], ignore_end=True)
            session.generate(sequence, max_tokens=3, temperature=0, bias={self.eos: 1e6})
            events = [session.step() for _ in range(3)]
            self.assertEqual([e.token for e in events], [self.eos] * 3)
            self.assertEqual(events[-1].finish, Finish.TOKENS)
            with self.assert_refused(Status.LIMIT, 33):
                session.set_stop(sequence, range(33))
            with self.assert_refused(Status.ARGUMENT, 10**6):
                session.set_stop(sequence, [10**6])

    def test_steps_of_tiles(self):
        expected = last_row(self.model, self.ids)
        calls = []
        for threads in (1, 1, 2):
            with self.model.session(threads=threads) as session:
                sequence = session.add()
                session.feed(sequence, self.ids)
                calls.append(1)
                while (event := session.step_tiles(7)).status == Status.YIELD:
                    calls[-1] += 1
                self.assertEqual(event.status, Status.LOGITS)
                self.assertEqual(memoryview(session.logits_buffer(sequence)).tobytes(), expected)
        self.assertGreater(calls[0], 10)
        self.assertEqual(len(set(calls)), 1)
        with self.model.session(threads=1) as session:  # over what is computed between signals
            session.feed(session.add(), self.ids)
            several = 0
            while session.step_tiles(600).status == Status.YIELD:
                several += 1
        tiles = range(7 * (calls[0] - 1), 7 * calls[0] + 1)
        self.assertIn(several, {count // 600 for count in tiles})

    def test_types_of_keys_and_values(self):
        rows, states = {}, {}
        kinds = [("f32", "auto"), ("f16", "auto"), ("f16", "f16"), ("bf16", "auto"),
                 ("q8_0", "auto"), ("q8_0", "f16"), ("q4_0", "auto")]
        for keys, values in kinds:
            options = {"kv_type": keys, "value_type": values}
            data = last_row(self.model, self.ids, **options)
            rows[keys, values] = array.array("f", data)
            states[keys, values] = self.model.plan(**options).state
        exact = rows["f32", "auto"]
        spread = max(exact) - min(exact)
        for kind, row in rows.items():
            error = max(abs(a - b) for a, b in zip(row, exact)) / spread
            self.assertLess(error, 0.1 if "q4_0" in kind else 0.02, kind)
            self.assertEqual(error == 0, kind[0] == "f32", kind)
        self.assertEqual(rows["f16", "auto"], rows["f16", "f16"])
        order = [("f32", "auto"), ("f16", "auto"), ("q8_0", "f16"), ("q8_0", "auto"),
                 ("q4_0", "auto")]
        self.assertEqual(sorted(order, key=states.get, reverse=True), order)
        self.assertGreater(self.model.plan(kv_tokens=4096).state, self.model.plan().state)
        with self.assert_refused(Status.ARGUMENT, "value_type", "q5", "q8_0"):
            self.model.session(value_type="q5")

    def test_a_text_goes_on_from_a_file(self):
        path = self.folder / "story.kv"
        with self.model.session() as session:
            sequence = session.add()
            session.feed(sequence, self.ids)
            told = self.tokens_of(session, sequence, 5, seed=9)
            session.save(path)
            pieces = []
            session.save(pieces.append, sequence)
            held = io.BytesIO()
            session.save(held, sequence)
            with open(self.folder / "raw.kv", "wb", buffering=0) as raw:
                session.save(raw, sequence)
            expected = self.tokens_of(session, sequence, 10, seed=9)
        content = b"".join(pieces)
        self.assertEqual(held.getvalue(), content)
        self.assertEqual((self.folder / "raw.kv").read_bytes(), content)
        with open(path, "rb") as file:
            for source in (path, str(path), content, bytearray(content), file, io.BytesIO(content)):
                with self.model.session(threads=1) as session:
                    (sequence,) = session.restore(source)
                    self.assertEqual(session.tokens(sequence), self.ids + told)
                    self.assertEqual(session.info().tokens_computed, 0)
                    self.assertEqual(self.tokens_of(session, sequence, 10, seed=9), expected)
                    self.assertEqual(session.info().tokens_computed, 10)

    def test_all_sequences_in_one_file(self):
        with self.model.session(sequences=3) as session:
            lists = [self.ids, self.ids[:100] + [7, 8], [5]]
            for ids in lists:
                session.feed(session.add(), ids)
            while session.step().status != Status.DONE:
                pass
            session.save(self.folder / "all.kv")
        with self.model.session(sequences=3) as session:
            found = session.restore(self.folder / "all.kv", share=True)
            self.assertEqual([session.tokens(s) for s in found], lists)
            with self.assert_refused(Status.LIMIT, 3):
                session.restore(self.folder / "all.kv")
            self.assertEqual(session.info().alive, 3)
            session.drop(found[2])
            again = session.add()
            session.feed(again, lists[0])
            session.step()
            self.assertGreater(session.info().tokens_reused, 100)

    def test_append(self):
        path = self.folder / "chat.kv"
        with self.model.session() as session:
            sequence = session.add()
            with self.assert_refused(Status.STATE):
                session.save(lambda data: None, sequence, append=True)
            with self.assertRaises(FileNotFoundError):
                session.save(path, sequence, append=True)
            sizes = []
            for turn in range(4):
                session.feed(sequence, self.ids[30 * turn:30 * turn + 30])
                session.step()
                session.save(path, sequence, append=turn > 0)
                sizes.append(path.stat().st_size)
            session.feed(sequence, [9])
            session.step()

            def full(data):
                raise ValueError("the disk is full")

            with self.assertRaisesRegex(ValueError, "full"):
                session.save(full, sequence, append=True)
            session.save(path, sequence, append=True)
            with self.assert_refused(Status.ARGUMENT):
                session.save(path, append=True)
            size = path.stat().st_size
            session.save(self.folder / "whole.kv", sequence)
        steps = [b - a for a, b in zip(sizes, sizes[1:])]
        self.assertLess(max(steps), sizes[0] * 1.2)
        self.assertGreater(size, sizes[-1])
        self.assertLess((self.folder / "whole.kv").stat().st_size, size)
        for name in ("chat.kv", "whole.kv"):
            with self.model.session() as session:
                (sequence,) = session.restore(self.folder / name)
                self.assertEqual(session.tokens(sequence), self.ids[:120] + [9])
                session.feed(sequence, [8])
                row = self.row(session, sequence)
            self.assertEqual(row, last_row(self.model, self.ids[:120] + [9, 8]))

    def test_files_that_take_a_part_or_nothing(self):
        class File(io.RawIOBase):
            def __init__(self, take):
                self.take, self.content = take, b""

            def write(self, data):
                count = self.take(len(data))
                self.content += data[:len(data) if count is True else count or 0]
                return count

        with self.model.session() as session:
            sequence = session.add()
            session.feed(sequence, self.ids[:70])
            session.step()
            whole = io.BytesIO()
            session.save(whole, sequence)
            for take in (lambda size: size // 3 + 1, lambda size: True):
                file = File(take)
                session.save(file, sequence)
                self.assertEqual(file.content, whole.getvalue())
            for take in (lambda size: 0, lambda size: None):  # None: it would have to wait
                with self.assertRaisesRegex(OSError, "no more bytes"):
                    session.save(File(take), sequence)

    def test_files_that_are_refused(self):
        pieces = []
        with self.model.session() as session:
            session.feed(session.add(), self.ids[:70])
            session.step()
            session.save(pieces.append)
        content = b"".join(pieces)
        with self.model.session(sequences=2) as session:
            sequence = session.add()
            for wrong in (b"", content[:-1], content + b"x", b"x" + content[1:],
                          content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]):
                with self.assert_refused(Status.FORMAT):
                    session.restore(wrong)
            with self.assert_refused(Status.IO, "no-such-file"):
                session.restore("no-such-file.kv")
            with self.assertRaises(TypeError):
                session.restore(5)
            with self.assertRaises(TypeError):
                session.save(5)

            class Burning(io.BytesIO):
                def read(self, size=-1):
                    raise ValueError("the disk is on fire")

            with self.assertRaisesRegex(ValueError, "on fire"):
                session.restore(Burning(content))
            self.assertEqual(session.info().alive, 1)
            session.restore(content)
            self.assertEqual(session.info().alive, 2)
        with self.model.session(kv_type="q8_0") as session:
            with self.assert_refused(Status.UNSUPPORTED):
                session.restore(content)
        with inlay.Model(MODELS / "llama-gqa.gguf") as other, other.session() as session:
            with self.assert_refused(Status.UNSUPPORTED):
                session.restore(content)

    def test_trace(self):
        path = self.folder / "trace.json"
        with self.model.session(trace_events=1000) as session:
            session.feed(session.add(), self.ids)
            session.step()
            session.write_trace(path)
        events = json.loads(path.read_text())["traceEvents"]
        self.assertTrue(any("blk.0" in event["name"] for event in events))
        with self.model.session() as session:
            with self.assert_refused(Status.STATE):
                session.write_trace(self.folder / "none.json")
        self.assertEqual([p.name for p in self.folder.iterdir()], ["trace.json"])


class Quantize(BindingTest):
    """Types of weights: while loading, as a file, by importance."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.ids = list(range(1, 30))

    def test_loading_gives_the_bits_of_the_file(self):
        self.assertIn("Q4_K_M", inlay.quantize_types())
        path = self.folder / "small.gguf"
        reports = []
        with inlay.Model(DEMO, depth="metadata") as model:
            model.quantize(path, "Q4_0", progress=lambda *report: reports.append(report))
        self.assertEqual(reports[-1][0], reports[-1][1])
        self.assertEqual([p.name for p in self.folder.iterdir()], ["small.gguf"])
        reports.clear()
        options = {"weights": "Q4_0", "progress": lambda *report: reports.append(report)}
        with inlay.Model(path) as file, inlay.Model(DEMO, **options) as loaded:
            self.assertEqual(last_row(file, self.ids), last_row(loaded, self.ids))
            self.assertLess(loaded.plan().weights, path.stat().st_size)
        self.assertGreater(len(reports), 1)

    def test_keep(self):
        path = self.folder / "kept.gguf"
        with inlay.Model(DEMO, depth="metadata") as model:
            model.quantize(path, "Q4_0", keep={"blk.0.ffn_*": "F16"}, threads=2)
        with inlay.Model(path, depth="metadata") as kept:
            types = {t.name: t.type for t in kept.tensors}
        self.assertEqual(types["blk.0.ffn_down.weight"], "F16")
        self.assertEqual(types["blk.1.ffn_down.weight"], "Q4_0")

    def test_memory(self):
        with inlay.Model(DEMO) as model:
            expected = last_row(model, self.ids)
            mapped = model.plan()
        for memory in ("copied", "huge_pages"):
            with inlay.Model(DEMO, memory=memory, check_weights=True) as model:
                self.assertEqual(last_row(model, self.ids), expected)
                self.assertGreater(mapped.borrowed, model.plan().borrowed)
        with inlay.Model(DEMO, weights="auto", weight_budget=3_000_000) as model:
            self.assertLess(model.plan().weights, 3_000_000)

    def test_importance(self):
        matrix = self.folder / "matrix.gguf"
        with inlay.Model(DEMO, importance=True) as model, model.session() as session:
            with self.assert_refused(Status.STATE):
                session.write_importance(matrix)
            session.feed(session.add(), self.ids)
            session.step()
            session.write_importance(matrix)
            for name, imatrix in (("plain", None), ("weighed", matrix)):
                model.quantize(self.folder / name, "Q4_0", imatrix=imatrix)
        plain, weighed = ((self.folder / n).read_bytes() for n in ("plain", "weighed"))
        self.assertEqual(len(plain), len(weighed))
        self.assertNotEqual(plain, weighed)

    def test_quantize_reads_a_reader_again(self):
        class File(io.BytesIO):
            burns = False

            def read(self, size=-1):
                if self.burns:
                    raise ValueError("the disk is on fire")
                return super().read(size)

        content = DEMO.read_bytes()
        from_path, from_file = self.folder / "path.gguf", self.folder / "file.gguf"
        with inlay.Model(DEMO) as model:
            model.quantize(from_path, "Q8_0")
        for depth in ("metadata", "weights"):
            file = File(content)
            with inlay.Model(file, depth=depth) as model:
                model.quantize(from_file, "Q8_0")
                self.assertEqual(from_file.read_bytes(), from_path.read_bytes())
                file.burns = True
                with self.assertRaisesRegex(ValueError, "on fire"):
                    model.quantize(from_file, "Q8_0")
                file.burns = False
                model.quantize(from_file, "Q8_0")

    def test_refusals(self):
        path = self.folder / "never.gguf"
        with inlay.Model(DEMO) as model, model.session() as session:
            with self.assert_refused(Status.ARGUMENT, "Q99"):
                model.quantize(path, "Q99")
            with self.assert_refused(Status.IO, "no-such-file"):
                model.quantize(path, "Q8_0", imatrix="no-such-file")
            with self.assert_refused(Status.STATE):
                session.write_importance(path)
            for wrong in ({"type": 3}, {"type": "Q8_0", "keep": {"a": 3}}):
                with self.assertRaises(TypeError):
                    model.quantize(path, **wrong)

            class Stop(Exception):
                pass

            def stop(done, total):
                raise Stop

            with self.assertRaises(Stop):
                model.quantize(path, "Q8_0", progress=stop)
            with self.assertRaises(Stop):
                inlay.Model(DEMO, weights="Q4_0", progress=stop)
        with self.assert_refused(Status.LIMIT):
            inlay.Model(DEMO, weights="auto", weight_budget=1000)
        with self.assert_refused(Status.ARGUMENT, "memory"):
            inlay.Model(DEMO, memory="everywhere")
        self.assertEqual(list(self.folder.iterdir()), [])


class Process(BindingTest):
    """What can only be seen from outside."""

    def run_python(self, code, *arguments):
        return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], timeout=120,
                              capture_output=True, encoding="utf-8")

    def test_silent_and_without_numpy(self):
        code = ("import sys, inlay\n"
                "m = inlay.Model(sys.argv[1])\n"
                "list(m.generate('Once', max_tokens=5))\n"
                "try: inlay.Model('no-such-file')\n"
                "except inlay.Error: pass\n"
                "assert 'numpy' not in sys.modules\n")
        done = self.run_python(code, DEMO)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_exit_with_everything_open(self):
        code = ("import sys, inlay\n"
                "m = inlay.Model(sys.argv[1])\n"
                "s = m.session(threads=2)\n"
                "g = m.generate('Once', threads=2)\n"
                "next(g)\n")
        done = self.run_python(code, DEMO)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_example(self):
        done = subprocess.run([sys.executable, ROOT / "examples" / "hello.py", DEMO, PROMPT],
                              timeout=120, capture_output=True, encoding="utf-8")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith(PROMPT))
        self.assertGreater(len(done.stdout.split()), 20)

    def test_version(self):
        header = (ROOT / "include" / "inlay" / "version.h").read_text()
        self.assertIn(f'"{inlay.__version__}"', header)


class GrammarTest(BindingTest):
    SCHEMA = {"type": "object", "additionalProperties": False, "required": ["name", "age"],
              "properties": {"name": {"type": "string"},
                             "age": {"type": "integer", "minimum": 0, "maximum": 99}}}

    def setUp(self):
        self.model = inlay.Model(DEMO)
        self.addCleanup(self.model.close)

    def test_schema_is_followed(self):
        for schema in (self.SCHEMA, json.dumps(self.SCHEMA), self.model.json_schema(self.SCHEMA)):
            argument = "grammar" if isinstance(schema, inlay.Grammar) else "json_schema"
            for seed in range(4):
                text = self.model.generate(PROMPT, max_tokens=40, seed=seed, temperature=2,
                                           **{argument: schema})
                value = json.loads("".join(text))
                self.assertEqual(set(value), {"name", "age"})
                self.assertIn(value["age"], range(100))
                self.assertEqual(text.finish, Finish.GRAMMAR)

    def test_grammar_is_followed(self):
        text = self.model.generate(PROMPT, grammar='root ::= " yes" | " no"', seed=1)
        self.assertIn("".join(text), (" yes", " no"))
        months = self.model.grammar("[0-9]{4}-(0[1-9]|1[0-2])", "regex")
        for seed in range(4):
            text = "".join(self.model.generate(PROMPT, grammar=months, seed=seed))
            self.assertRegex(text, "^[0-9]{4}-[01][0-9]$")

    def test_session(self):
        with self.model.session(context=128, sequences=2) as session:
            one, two = session.add(), session.add()
            for sequence in (one, two):
                session.feed(sequence, self.model.tokenizer.encode(PROMPT))
            session.generate(one, json_schema={"enum": ["red", "blue"]}, seed=2)
            session.constrain(two, self.model.grammar('root ::= " [" [a-z]+ "]"'), trigger=" and")
            session.generate(two, max_tokens=8, seed=3)
            texts = {one: b"", two: b""}
            while (event := session.step()).status == Status.TOKEN:
                texts[event.sequence] += self.model.tokenizer.piece(event.token)
            self.assertIn(json.loads(texts[one]), ("red", "blue"))
            self.assertGreater(len(texts[two]), 0)
            session.constrain(one, None)
            session.feed(one, self.model.tokenizer.encode(" free", add_special=False))

    def test_text_alone(self):
        grammar = inlay.Grammar(self.SCHEMA, "json_schema")
        self.assertTrue(grammar.matches('{ "age" : 7, "n\\u0061me": "x" }'))
        self.assertFalse(grammar.matches('{"age": 7}'))
        self.assertTrue(inlay.Grammar("a+", "regex").matches("aaa"))
        self.assertFalse(inlay.Grammar('root ::= "a"').matches("b"))

    def test_refusals(self):
        with self.assert_refused(Status.UNSUPPORTED, "/items/pattern"):
            self.model.json_schema({"items": {"pattern": r"(a)\1"}})
        with self.assert_refused(Status.FORMAT, "missing"):
            self.model.generate(PROMPT, grammar="root ::= missing")
        with self.assert_refused(Status.FORMAT, "/type"):
            self.model.generate(PROMPT, json_schema={"type": "text"})
        with self.assertRaises(TypeError):
            self.model.generate(PROMPT, json_schema={}, grammar='root ::= "a"')
        with self.assertRaises(TypeError):
            self.model.generate(PROMPT, grammar=3)
        with self.assertRaises(ValueError):
            inlay.Grammar("a", "perl")
        other = inlay.Model(DEMO)
        self.addCleanup(other.close)
        with self.assert_refused(Status.ARGUMENT, "another model"):
            self.model.generate(PROMPT, grammar=other.grammar('root ::= "a"'))


if __name__ == "__main__":
    unittest.main()
