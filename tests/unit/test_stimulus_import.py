"""Importing stimulus sets: every published trap of OASIS, any other table, and nothing half-done."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from typer.testing import CliRunner

from veridical.cli.app import app
from veridical.domain.errors import StimulusError, StorageError
from veridical.domain.progress import finish
from veridical.domain.protocol import Protocol, expand
from veridical.domain.stimulus import StimulusSet
from veridical.services.preflight import check_stimuli
from veridical.services.stimuli import StimulusDesk, check_work, measure_work, relink_work
from veridical.services.stimulus_import import ImportReport, ImportRequest, import_work
from veridical.services.stimulus_pool import examine_work
from veridical.services.study import Study, create_study, open_study
from veridical.storage.picture_decoding import decode_picture
from veridical.storage.stimuli_table import read_stimuli, write_stimuli

# As published: line ends are bare carriage returns, the first header cell is empty, "War 2 " ends in a blank.
OASIS_LINES = (
    ",Theme,Category,Source,Valence_mean,Valence_SD,Valence_N,Arousal_mean,Arousal_SD,Arousal_N",
    "I1,Acorns 1,Object,Pixabay,4.68627451,0.954202712,102,2.346534653,1.602720459,101",
    "I2,Beach 1,Scene,Pixabay,6.366336634,0.845254663,101,4.737864078,1.691739823,103",
    "I3,War 2 ,Person,Wikipedia,1.9,0.9,102,5.1,1.8,101",
    "I4,Nude woman 3,Person,Flickr/A,5.1,1.2,102,4.9,1.7,101",
    "I5,Monkey 3,Animal,Pixabay,4.2,1.1,102,3.9,1.6,101",
    "I6,Cat 2,Animal,Pixabay,5.9,1.0,102,4.0,1.7,101",
)


def noise(seed: int, size: tuple[int, int] = (60, 48)) -> Image.Image:
    """A picture that no other seed gives."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def jpeg(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """A sound colour profile; it holds the time of its making, so it is made once."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def oasis_files(pictures: str = "images", table: str = "OASIS.csv") -> dict[str, bytes]:
    """A small OASIS with every trap of the published files."""
    exif = Image.Exif()
    exif[0x0112] = 6
    png = io.BytesIO()
    noise(5).convert("RGBA").save(png, "PNG")
    return {
        table: "\r".join(OASIS_LINES).encode(),
        f"{pictures}/Acorns 1.jpg": jpeg(noise(1)),
        f"{pictures}/Beach 1.jpg": jpeg(noise(2), exif=exif.tobytes()),
        f"{pictures}/War 2.jpg": jpeg(noise(3), icc_profile=srgb_profile()),
        f"{pictures}/Nude woman 3.jpg": jpeg(noise(4), icc_profile=b"no profile at all"),
        f"{pictures}/Monkey 3.jpg": png.getvalue(),
        f"{pictures}/Cat 2.jpg": jpeg(noise(6)),
    }


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tree(folder: Path) -> dict[str, str]:
    """Every file of a folder with its hash."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study with the demo pictures."""
    return create_study(tmp_path / "study")


def run_import(study: Study, source: Path, **options: object) -> ImportReport:
    return finish(import_work(study, ImportRequest(source, **options)))  # type: ignore[arg-type]


# OASIS ----------------------------------------------------------------------------------------------------
def as_folder(folder: Path) -> Path:
    return lay_out(folder / "oasis", oasis_files())


def as_nested_folder(folder: Path) -> Path:
    return lay_out(folder / "download", oasis_files("OASIS/Images", "OASIS/oasis.csv"))


def as_zip(folder: Path) -> Path:
    junk = {"__MACOSX/._OASIS.csv": b"\0\5\x16\7 junk", "__MACOSX/images/._Cat 2.jpg": b"\0\5\x16\7", ".DS_Store": b"x"}
    return pack(folder / "oasis.zip", {**oasis_files(), **junk})


def as_table(folder: Path) -> Path:
    return lay_out(folder / "oasis", oasis_files()) / "OASIS.csv"


@pytest.mark.parametrize("source", [as_folder, as_nested_folder, as_zip, as_table])
def test_oasis_is_imported_with_all_its_published_traps(
    study: Study, tmp_path: Path, source: Callable[[Path], Path]
) -> None:
    report = run_import(study, source(tmp_path))
    assert (report.format, report.left_out, len(report.added)) == ("oasis", (), 6)
    stimuli = {s.id: s for s in read_stimuli(study.paths.stimuli_table).stimuli}
    assert [stimuli[i].theme for i in ("I1", "I3")] == ["Acorns", "War"]
    assert [stimuli[i].category for i in ("I1", "I2", "I5")] == ["Object", "Scenery", "Animal"]
    assert stimuli["I1"].valence_mean == pytest.approx(4.68627451, abs=1e-9)
    assert stimuli["I1"].arousal_sd == pytest.approx(1.602720459, abs=1e-9)
    assert {i for i, s in stimuli.items() if s.sensitive} == {"I3", "I4"} == set(report.sensitive)
    files = oasis_files()
    for stimulus_id, name in (("I1", "Acorns 1"), ("I3", "War 2"), ("I5", "Monkey 3")):
        data = files[f"images/{name}.jpg"]
        assert (study.paths.stimuli / stimuli[stimulus_id].file).read_bytes() == data
        assert stimuli[stimulus_id].sha256 == hashlib.sha256(data).hexdigest()
    # EXIF turns the picture by a quarter.
    assert (stimuli["I2"].width_px, stimuli["I2"].height_px) == (48, 60)
    notes = {n.id: n.text for n in report.notes}
    assert "PNG under the name .jpg" in next(n.text for n in report.notes if n.id == "I5")
    assert "turned upright" in notes["I2"]
    assert "to sRGB" in notes["I3"]
    assert "cannot be read" in notes["I4"]


def test_statistics_stand_in_columns_of_their_own_and_read_back(study: Study, tmp_path: Path) -> None:
    run_import(study, as_folder(tmp_path))
    stimulus = read_stimuli(study.paths.stimuli_table).get("I6")
    assert stimulus.statistics is not None
    shown = np.asarray(Image.open(io.BytesIO(oasis_files()["images/Cat 2.jpg"])), dtype=float) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    assert stimulus.statistics.luminance == pytest.approx((linear @ [0.2126, 0.7152, 0.0722]).mean(), rel=1e-8)
    header = study.paths.stimuli_table.read_text().partition("\n")[0].split("\t")
    assert header[:13] == [
        "id", "file", "kind", "category", "sha256", "valence_mean", "valence_sd", "arousal_mean", "arousal_sd",
        "scale_min", "scale_max", "source", "sensitive",
    ]  # fmt: skip
    assert "luminance" in header
    again = study.paths.stimuli_table.with_name("again.tsv")
    write_stimuli(again, read_stimuli(study.paths.stimuli_table))
    assert again.read_bytes() == study.paths.stimuli_table.read_bytes()


def test_demo_pictures_step_aside_for_real_norms_and_no_order_shows_them(study: Study, tmp_path: Path) -> None:
    before = study.paths.study_file.read_text()
    report = run_import(study, as_folder(tmp_path))
    assert len(report.retired) == 72
    now = open_study(study.root)
    assert now.settings.are_stimuli_validated
    # The comments of study.toml, and all its other lines, stay.
    changed = [
        (a, b)
        for a, b in zip(before.splitlines(), study.paths.study_file.read_text().splitlines(), strict=True)
        if a != b
    ]
    assert [b.split(" #")[0] for _, b in changed] == ["are_stimuli_validated = true"]
    ids = {s.id for s in now.stimuli.in_use}
    assert ids == {f"I{k}" for k in range(1, 7)}
    protocol = Protocol(n_per_condition=1, n_blocks=1, n_practice=0, repeat_share=0, include_sensitive=True)
    for seed in range(5):
        plan = expand(protocol, now.stimuli, seed)
        assert {t.stimulus_id for t in plan.trials} <= ids


def test_sensitive_pictures_are_shown_only_if_the_protocol_says_so(study: Study, tmp_path: Path) -> None:
    run_import(study, as_folder(tmp_path))
    stimuli = open_study(study.root).stimuli
    protocol = Protocol(n_per_condition=1, n_blocks=1, n_practice=0, repeat_share=0)
    # The only negative picture is sensitive.
    with pytest.raises(Exception, match="negative"):
        expand(protocol, stimuli, 1)
    assert expand(replace(protocol, include_sensitive=True), stimuli, 1).trials


def test_a_colour_profile_changes_what_is_shown_and_measured() -> None:
    profile = bytearray(srgb_profile())
    entries = {bytes(profile[k : k + 4]): k for k in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)}
    # A display whose red and blue primaries are swapped: each tag's offset stands behind its name.
    red, blue = entries[b"rXYZ"] + 4, entries[b"bXYZ"] + 4
    profile[red : red + 4], profile[blue : blue + 4] = profile[blue : blue + 4], profile[red : red + 4]
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (255, 0, 0)).save(buffer, "PNG", icc_profile=bytes(profile))
    decoded = decode_picture(buffer.getvalue(), "it")
    assert decoded.profile == "converted"
    shown = decoded.image.getpixel((4, 4))
    assert isinstance(shown, tuple)
    assert (shown[0] < 30, shown[1] < 30, shown[2] > 225) == (True, True, True)


def test_sixteen_bit_greys_keep_their_shades() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), 32896, dtype=np.uint16)).save(buffer, "PNG")
    assert decode_picture(buffer.getvalue(), "it").image.getpixel((4, 4)) == (128, 128, 128)


# Nothing half-done ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["../evil.jpg", "/etc/evil.jpg", "images/../../evil.jpg", "C:\\evil.jpg", "..\\evil.jpg"]
)
def test_an_archive_that_names_files_outside_itself_is_refused(study: Study, tmp_path: Path, name: str) -> None:
    before = tree(tmp_path)
    archive = pack(tmp_path / "evil.zip", {**oasis_files(), name: b"x"})
    with pytest.raises(StimulusError, match="outside itself"):
        run_import(study, archive)
    archive.unlink()
    assert tree(tmp_path) == before


def test_a_cancelled_import_leaves_the_study_as_it_was_whenever_it_is_cancelled(study: Study, tmp_path: Path) -> None:
    source = as_folder(tmp_path)
    before = tree(study.root)
    steps = 0
    while True:
        work = import_work(study, ImportRequest(source))
        try:
            for _ in range(steps + 1):
                next(work)
        except StopIteration:
            break
        work.close()
        assert tree(study.root) == before
        assert not list(study.paths.stimuli.glob(".*"))
        steps += 1
    # The table, a copy and a measurement for each of 6 pictures were steps of their own.
    assert steps >= 13


def test_damaged_and_missing_files_are_named_and_the_others_imported(study: Study, tmp_path: Path) -> None:
    files = oasis_files()
    files["images/Cat 2.jpg"] = files["images/Cat 2.jpg"][:300]
    files["images/Beach 1.jpg"] = b"hello"
    del files["images/Acorns 1.jpg"]
    report = run_import(study, lay_out(tmp_path / "oasis", files))
    assert {o.id for o in report.left_out} == {"I1", "I2", "I6"}
    reasons = {o.id: o.reason for o in report.left_out}
    assert reasons["I1"] == "is not there"
    assert "no picture" in reasons["I2"]
    assert "cannot be decoded" in reasons["I6"]
    stored = {p.name for p in (study.paths.stimuli / report.folder).iterdir()}
    assert stored == {"War 2.jpg", "Nude woman 3.jpg", "Monkey 3.jpg"}


def test_a_set_of_damaged_files_only_is_refused_and_changes_nothing(study: Study, tmp_path: Path) -> None:
    files = {name: b"x" if name.endswith("jpg") else data for name, data in oasis_files().items()}
    source = lay_out(tmp_path / "oasis", files)
    before = tree(study.root)
    with pytest.raises(StimulusError, match="None of the 6 files can be used"):
        run_import(study, source)
    assert tree(study.root) == before


def test_a_table_that_changes_during_the_import_is_not_overwritten(study: Study, tmp_path: Path) -> None:
    work = import_work(study, ImportRequest(as_folder(tmp_path)))
    next(work)
    StimulusDesk(study.paths).exclude(["demo01"])
    before = tree(study.root)
    with pytest.raises(StimulusError, match="was changed while"):
        finish(work)
    assert tree(study.root) == before


def test_what_a_killed_import_left_behind_is_cleared_by_the_next(study: Study, tmp_path: Path) -> None:
    left = study.paths.stimuli / ".importing-4194999-abcd"  # above any process id of a usual system
    left.mkdir()
    (left / "a.jpg").write_bytes(b"x")
    run_import(study, as_folder(tmp_path))
    assert not left.exists()


def test_importing_again_adds_nothing_and_a_clash_of_ids_is_refused(study: Study, tmp_path: Path) -> None:
    source = as_folder(tmp_path)
    run_import(study, source)
    before = tree(study.root)
    again = run_import(study, source)
    assert (again.added, len(again.already_there)) == ((), 6)
    assert tree(study.root) == before
    other = lay_out(tmp_path / "other", {**oasis_files(), "images/Cat 2.jpg": jpeg(noise(99))})
    with pytest.raises(StimulusError, match=r"1 ids .*I6.*--prefix"):
        run_import(study, other)
    assert tree(study.root) == before
    added = run_import(study, other, prefix="b-").added
    assert added == tuple(f"b-I{k}" for k in range(1, 7))
    assert len({s.id for s in read_stimuli(study.paths.stimuli_table).stimuli}) == 72 + 12


# Any other set ------------------------------------------------------------------------------------------------
def sound_file(path: Path) -> None:
    import soundfile  # type: ignore[import-untyped]

    soundfile.write(str(path), 0.1 * np.sin(np.arange(11025) / 10), 22050)


def video_file(path: Path) -> None:
    from ffpyplayer.pic import Image as Frame  # type: ignore[import-untyped]
    from ffpyplayer.tools import set_loglevel  # type: ignore[import-untyped]
    from ffpyplayer.writer import MediaWriter  # type: ignore[import-untyped]

    set_loglevel("quiet")
    size = {"width_in": 64, "height_in": 48, "pix_fmt_in": "yuv420p"}
    writer = MediaWriter(str(path), [{**size, "codec": "mpeg4", "frame_rate": (10, 1)}])
    for k in range(20):
        planes = [bytes([10 * k]) * (64 * 48), bytes([90]) * (32 * 24), bytes([160]) * (32 * 24)]
        writer.write_frame(Frame(plane_buffers=planes, pix_fmt="yuv420p", size=(64, 48)), k / 10, 0)
    writer.close()


def generic_set(folder: Path, table: str, name: str = "norms.csv") -> Path:
    lay_out(folder, {"a.jpg": jpeg(noise(11)), "deep/b.png": jpeg(noise(12)), name: table.encode()})
    sound_file(folder / "c.wav")
    video_file(folder / "d.mp4")
    return folder


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (
            "norms.csv",
            "id,file,kind,category,valence_mean,valence_sd,arousal_mean,arousal_sd,scale_min,scale_max,source,sensitive\n"
            "a,a.jpg,image,Blood,5,2,9,1,1,9,lab,false\nb,deep/b.png,,Plain,1,2,3,1,1,9,lab,\n"
            "c,c.wav,,,9,2,1,1,1,9,,\nd,d.mp4,,,3,2,5,1,1,9,,true\n",
        ),
        (
            "norms.tsv",
            "Number\tFile name\tValMn\tValSD\tAroMn\tAroSD\tmin\tmax\na\ta\t5\t2\t9\t1\t1\t9\n"
            "b\tb.png\t1\t2\t3\t1\t1\t9\nc\tc\t9\t2\t1\t1\t1\t9\nd\td\t3\t2\t5\t1\t1\t9\n",
        ),
        (
            "norms.csv",
            "﻿id;file;valence_mean;valence_sd;arousal_mean;arousal_sd;scale_min;scale_max\r\n"
            "a;a.jpg;5,0;2,0;9,0;1,0;1;9\r\nb;b.png;1,0;2,0;3;1;1;9\r\nc;c.wav;9;2;1;1;1;9\r\nd;d.mp4;3;2;5;1;1;9\r\n",
        ),
    ],
)
def test_any_table_is_read_and_its_norms_converted_and_labelled(
    study: Study, tmp_path: Path, name: str, table: str
) -> None:
    report = run_import(study, generic_set(tmp_path / "mine", table, name))
    assert (report.format, report.left_out) == ("table", ())
    stimuli = {s.id: s for s in read_stimuli(study.paths.stimuli_table).stimuli}
    a, b, c, d = (stimuli[i] for i in "abcd")
    assert [s.kind for s in (a, b, c, d)] == ["image", "image", "audio", "video"]
    # 1 to 9 becomes 1 to 7: the middle stays the middle, deviations shrink by 6/8.
    assert [s.valence_mean for s in (a, b, c, d)] == pytest.approx([4.0, 1.0, 7.0, 2.5])
    assert [s.arousal_mean for s in (a, b, c, d)] == pytest.approx([7.0, 2.5, 1.0, 4.0])
    assert (a.valence_sd, a.arousal_sd) == pytest.approx((1.5, 0.75))
    assert {s.norm_scale for s in (a, b, c, d)} == {"1 to 9"}
    assert {(s.scale_min, s.scale_max) for s in (a, b, c, d)} == {(1.0, 7.0)}
    assert c.duration_s == pytest.approx(0.5)
    assert d.duration_s == pytest.approx(2.0, abs=0.11)
    assert (d.width_px, d.height_px) == (64, 48)
    assert any("converted" in r for r in report.remarks)
    assert any(n.id == "b" and "JPEG under the name .png" in n.text for n in report.notes)


def test_a_tables_own_word_on_sensitivity_wins_over_its_theme(study: Study, tmp_path: Path) -> None:
    table = "id,file,theme,sensitive\na,a.jpg,Nude man,false\nb,b.png,Nude man,\nc,c.wav,Flowers,true\n"
    run_import(study, generic_set(tmp_path / "mine", table))
    stimuli = read_stimuli(study.paths.stimuli_table)
    assert [stimuli.get(i).sensitive for i in "abc"] == [False, True, True]


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("id,file,valence_mean\na,a.jpg,four\n", "line 2: valence_mean is 'four'"),
        ("id,file,valence_mean\na,a.jpg,8\n", "line 2: the norm 8 lies outside its scale, 1 to 7"),
        ("id,file,valence_mean,scale_min,scale_max\na,a.jpg,8,9,1\n", "not above scale_min"),
        ("id,file\na,../a.jpg\n", "line 2: .*outside the set"),
        ("id,file\na,/etc/a.jpg\n", "line 2: .*outside the set"),
        ("id,file,kind\na,a.jpg,smell\n", "line 2: kind is 'smell'"),
        ("id,file\na,a.jpg\na,b.png\n", "'a' stands in lines 2 and 3"),
        ("id,file,sensitive\na,a.jpg,perhaps\n", "sensitive is 'perhaps'"),
        ("id,file\n", "names no stimuli"),
        ("colour,size\nred,3\n", "no table of norms"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line_and_changes_nothing(
    study: Study, tmp_path: Path, table: str, fault: str
) -> None:
    source = lay_out(tmp_path / "mine", {"a.jpg": jpeg(noise(1)), "b.png": jpeg(noise(2)), "norms.csv": table.encode()})
    before = tree(study.root)
    with pytest.raises(StimulusError, match=fault):
        run_import(study, source)
    assert tree(study.root) == before


def test_a_scale_can_be_given_for_a_table_that_lacks_it(study: Study, tmp_path: Path) -> None:
    table = b"id,file,valence_mean,arousal_mean\na,a.jpg,0,2\n"
    source = lay_out(tmp_path / "mine", {"a.jpg": jpeg(noise(1)), "norms.csv": table})
    run_import(study, source, scale=(-2.0, 2.0))
    stimulus = read_stimuli(study.paths.stimuli_table).get("a")
    assert (stimulus.valence_mean, stimulus.arousal_mean, stimulus.norm_scale) == (4.0, 7.0, "-2 to 2")


# Files afterwards ---------------------------------------------------------------------------------------------
def test_referenced_files_stay_where_they_are_and_a_change_is_noticed_before_a_session(
    study: Study, tmp_path: Path
) -> None:
    source = as_folder(tmp_path)
    report = run_import(study, source, is_referenced=True)
    assert report.folder == ""
    assert not (study.paths.stimuli / "oasis").exists()
    stimuli = open_study(study.root).stimuli.in_use
    assert all(s.is_referenced for s in stimuli)
    check_stimuli(study.paths.stimuli, stimuli)
    cat = source / "images" / "Cat 2.jpg"
    data = bytearray(cat.read_bytes())
    data[-10] ^= 1
    cat.write_bytes(data)
    with pytest.raises(StimulusError, match=r"Cat 2\.jpg.* was changed"):
        check_stimuli(study.paths.stimuli, stimuli)
    cat.unlink()
    with pytest.raises(StimulusError, match=r"Cat 2\.jpg.* cannot be read"):
        check_stimuli(study.paths.stimuli, stimuli)


def test_moved_files_are_found_by_their_bytes(study: Study, tmp_path: Path) -> None:
    source = as_folder(tmp_path)
    run_import(study, source, is_referenced=True)
    moved = tmp_path / "elsewhere"
    (source / "images").rename(moved)
    (moved / "Cat 2.jpg").rename(moved / "renamed.jpg")
    missing = [
        c for c in finish(check_work(study.paths, open_study(study.root).stimuli.in_use)) if c.state == "missing"
    ]
    assert len(missing) == 6
    assert len(finish(relink_work(study.paths, tmp_path / "elsewhere"))) == 6
    check_stimuli(study.paths.stimuli, open_study(study.root).stimuli.in_use)


def test_an_archive_cannot_be_referenced(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match="cannot be referenced"):
        run_import(study, as_zip(tmp_path), is_referenced=True)


def test_a_full_disk_is_noticed_before_anything_is_copied(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = as_folder(tmp_path)
    before = tree(study.root)
    usage = type("Usage", (), {"free": 1000, "total": 1000, "used": 0})()
    monkeypatch.setattr("veridical.services.stimulus_import.shutil.disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match="free space"):
        run_import(study, source)
    assert tree(study.root) == before


def test_spawned_processes_find_what_one_process_finds(tmp_path: Path) -> None:
    paths = []
    for k in range(30):
        path = tmp_path / f"{k}.jpg"
        path.write_bytes(jpeg(noise(k, (24, 20))) if k != 7 else b"damaged")
        paths.append(path)
    together = finish(examine_work([(p, "image") for p in paths]))
    alone = finish(examine_work([(p, "image") for p in paths[:10]]))
    assert together[:10] == alone
    assert [k for k, f in enumerate(together) if f.problem] == [7]


# Choosing -----------------------------------------------------------------------------------------------------
def test_edits_are_on_disk_and_can_be_undone_and_done_again(study: Study) -> None:
    desk = StimulusDesk(study.paths)
    original = study.paths.stimuli_table.read_bytes()
    desk.exclude(["demo01", "demo02"])
    assert [s.id for s in read_stimuli(study.paths.stimuli_table).stimuli if s.is_excluded] == ["demo01", "demo02"]
    state = desk.set_sensitive(["demo03"], True)
    assert state.undo_text == "flagging as sensitive demo03"
    desk.undo()
    assert not read_stimuli(study.paths.stimuli_table).get("demo03").sensitive
    state = desk.redo()
    assert read_stimuli(study.paths.stimuli_table) == state.stimuli
    assert state.stimuli.get("demo03").sensitive
    desk.undo()
    desk.undo()
    assert read_stimuli(study.paths.stimuli_table).in_use == read_stimuli(study.paths.stimuli_table).stimuli
    assert desk.state.undo_text is None
    assert original.count(b"\n") == study.paths.stimuli_table.read_bytes().count(b"\n")
    with pytest.raises(StimulusError, match="No stimulus has the id"):
        desk.exclude(["nobody"])


def test_a_table_edited_by_hand_meanwhile_is_not_overwritten(study: Study) -> None:
    desk = StimulusDesk(study.paths)
    stimuli = read_stimuli(study.paths.stimuli_table)
    write_stimuli(study.paths.stimuli_table, StimulusSet(stimuli.stimuli[1:]))
    with pytest.raises(StimulusError, match="changed by another program"):
        desk.exclude(["demo05"])


def test_pictures_without_statistics_can_be_measured_later(study: Study) -> None:
    known = read_stimuli(study.paths.stimuli_table).stimuli[:5]
    few = StimulusSet(tuple(replace(s, statistics=None) for s in known))
    write_stimuli(study.paths.stimuli_table, few)
    assert len(finish(measure_work(study.paths))) == 5
    assert all(s.statistics is not None for s in read_stimuli(study.paths.stimuli_table).stimuli)
    assert finish(measure_work(study.paths)) == ()


# Command line -------------------------------------------------------------------------------------------------
def test_commands_import_match_check_and_edit(study: Study, tmp_path: Path) -> None:
    runner = CliRunner()
    root = str(study.root)

    def ask(*words: str, code: int = 0) -> dict[str, object]:
        result = runner.invoke(app, ["stimuli", *words, "--json"])
        assert result.exit_code == code, result.output
        found: dict[str, object] = json.loads(result.stdout)
        return found

    done = ask("import", str(as_zip(tmp_path)), root)
    assert (done["added"], done["sensitive"], done["format"], done["in_use"]) == (6, 2, "oasis", 6)
    few = ask("match", root, "--per-class", "1", "--class", "neutral", "--class", "positive", "--apply")
    assert few["applied"] is True
    ids = few["ids"]
    assert isinstance(ids, list)
    used = [s.id for s in open_study(study.root).stimuli.in_use]
    # Sensitive pictures could not be drawn and are no longer used either.
    assert used == ids
    assert len(used) == 2
    assert ask("flag", root, "I1")["changed"] is True
    assert ask("exclude", root, "I1")["changed"] == ("I1" in ids)
    assert ask("check", root)["problems"] == []
    (study.paths.stimuli / "oasis" / "Cat 2.jpg").write_bytes(b"x")
    problems = ask("check", root, code=1)["problems"]
    assert problems == [{"id": "I6", "file": str(study.paths.stimuli / "oasis" / "Cat 2.jpg"), "state": "changed"}]
    assert runner.invoke(app, ["stimuli", "import", root]).exit_code == 2
