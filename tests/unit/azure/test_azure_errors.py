from __future__ import annotations

from countenance import errors
from countenance.api.azure import errors as wire


def tree(root: type[errors.CountenanceError]) -> set[type[errors.CountenanceError]]:
    return {root}.union(*(tree(kind) for kind in root.__subclasses__()))


def test_every_error_of_the_tree_has_its_own_row() -> None:
    ours = {kind for kind in tree(errors.CountenanceError) if kind.__module__ == errors.__name__}
    assert set(wire.FAULTS) == ours


def test_only_internal_server_error_is_a_500() -> None:
    for fault in wire.FAULTS.values():
        assert (fault.status == 500) == (fault == wire.INTERNAL)
        assert 400 <= fault.status <= 503


def test_a_500_says_nothing_of_what_happened() -> None:
    for error in (errors.StoreError("secret path"), ValueError("an image"), errors.NotRecorded("disk full")):
        assert wire.fault_of(error, "FaceList") == (wire.INTERNAL, wire.INTERNAL_MESSAGE)


def test_an_error_below_a_known_one_is_answered_as_it() -> None:
    class NewKind(errors.NoFace):
        pass

    assert wire.fault_of(NewKind("no face"), "Face")[0] == wire.INVALID_IMAGE


def test_codes_name_the_kind_of_group_that_the_path_names() -> None:
    assert wire.fault_of(errors.NotFound("x"), "FaceList")[0] == wire.AzureError("FaceListNotFound", 404)
    assert wire.fault_of(errors.AlreadyExists("x"), "PersonGroup")[0] == wire.AzureError("PersonGroupExists", 409)
    assert wire.fault_of(errors.NoSuchUser("x"), "PersonGroup")[0].code == "PersonNotFound"
