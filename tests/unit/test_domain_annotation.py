"""Edits of annotations can be undone to the letter."""

from hypothesis import given
from hypothesis import strategies as st

from veridical.domain.annotation import LABELS, Annotation, AnnotationSet, Edit

_ANNOTATIONS = st.builds(
    Annotation,
    onset_s=st.integers(0, 50).map(float),
    duration_s=st.integers(1, 20).map(float),
    label=st.sampled_from(list(LABELS)[:3]),
    channels=st.sampled_from([(), ("Fz",), ("Fz", "Cz")]),
)


@given(st.lists(_ANNOTATIONS, max_size=12), st.data())
def test_undoing_every_edit_gives_the_start_back(marks: list[Annotation], data: st.DataObject) -> None:
    current, edits = AnnotationSet(), list[Edit]()
    for mark in marks:
        current, edit = current.add(mark)
        edits.append(edit)
        wants_removal: bool = data.draw(st.booleans())
        if wants_removal and current.annotations:
            victim: Annotation = data.draw(st.sampled_from(current.annotations))
            current, edit = current.remove(victim)
            edits.append(edit)
    current, edit = current.clip(5.0, 30.0)
    edits.append(edit)
    for edit in reversed(edits):
        current = current.apply(edit.inverse)
    assert current == AnnotationSet()


@given(st.lists(_ANNOTATIONS, max_size=12))
def test_marked_time_of_a_label_is_the_union_of_its_marks(marks: list[Annotation]) -> None:
    current = AnnotationSet()
    for mark in marks:
        current, _ = current.add(mark)
    for label in list(LABELS)[:3]:
        for channels in [(), ("Fz",), ("Fz", "Cz")]:
            asked = {
                s
                for m in marks
                if (m.label, m.channels) == (label, channels)
                for s in range(int(m.onset_s), int(m.stop_s))
            }
            kept = [a for a in current.annotations if (a.label, a.channels) == (label, channels)]
            held = [s for a in kept for s in range(int(a.onset_s), int(a.stop_s))]
            assert sorted(held) == sorted(asked)


def test_overlapping_blinks_merge_and_other_labels_stay_apart() -> None:
    marks, _ = AnnotationSet().add(Annotation(1.0, 1.0, "blink"))
    marks, edit = marks.add(Annotation(1.5, 1.0, "blink"))
    assert marks.annotations == (Annotation(1.0, 1.5, "blink"),)
    assert edit.kind == "change"
    marks, _ = marks.add(Annotation(1.5, 1.0, "muscle"))
    assert len(marks.annotations) == 2


def test_clip_cuts_and_drops() -> None:
    marks, _ = AnnotationSet().add(Annotation(0.0, 4.0, "muscle"))
    marks, _ = marks.add(Annotation(90.0, 4.0, "blink"))
    clipped, _ = marks.clip(2.0, 50.0)
    assert clipped.annotations == (Annotation(2.0, 2.0, "muscle"),)
