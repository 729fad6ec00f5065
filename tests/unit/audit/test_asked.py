"""Which service was asked: a server that speaks Amazon's language is not Amazon."""

from __future__ import annotations

from pathlib import Path

import pytest

from countenance.audit.formats.plan import LiveApi, System
from countenance.audit.formats.results import ModelUsed
from countenance.audit.sources.live.adapter.description import AdapterFile, read_adapter
from countenance.audit.sources.live.asked import asked_of, host_of, product_at, system_asked

AMAZON = System("Amazon Rekognition CompareFaces", "v", "Amazon Web Services")
OWN = "http://127.0.0.1:8080"


def described(client: str) -> AdapterFile | None:
    return None if client in ("rekognition", "azure-face") else read_adapter(client, Path())


def source(client: str) -> LiveApi:
    return LiveApi(client, "p", "l.csv", endpoint=OWN)


@pytest.mark.parametrize(
    ("client", "endpoint", "product", "own"),
    [
        ("rekognition", "https://rekognition.us-east-1.amazonaws.com", "Amazon Rekognition", True),
        ("rekognition", OWN, "Amazon Rekognition", False),
        ("rekognition", "https://amazonaws.com.example.org", "Amazon Rekognition", False),
        ("rekognition", "https://faces.example.org/amazonaws.com", "Amazon Rekognition", False),
        ("azure-face", "https://mine.cognitiveservices.azure.com", "Azure Face", True),
        ("azure-face", "https://notazure.com", "Azure Face", False),
        ("facepp", "https://api-us.faceplusplus.com", "Face++", True),
        ("facepp", OWN, "Face++", False),
        ("compreface", "http://faces.example.org:8000", "CompreFace", True),
    ],
)
def test_a_product_is_named_at_its_makers_address_only(client: str, endpoint: str, product: str, own: bool) -> None:
    said = product if own else f"a server that speaks the language of {product}"
    assert product_at(client, endpoint, described(client)) == (said, own)


@pytest.mark.parametrize(
    ("client", "system", "endpoint"),
    [
        ("rekognition", AMAZON, OWN),
        ("rekognition", System("Rekognition", "v", "us"), "https://faces.example.org"),
        ("rekognition", System("Gate", "v", "AWS"), OWN),
        ("azure-face", System("Azure Face", "v", "Microsoft"), OWN),
        ("facepp", System("Face++", "v", "Megvii"), OWN),
    ],
)
def test_a_plan_that_names_the_maker_of_what_was_not_asked_is_corrected(
    client: str, system: System, endpoint: str
) -> None:
    named, said = system_asked(system, source(client), endpoint, described(client))
    assert named == System(f"the server at {host_of(endpoint)}", "v", "not stated")
    assert host_of(endpoint) in said and "not the maker's" in said


@pytest.mark.parametrize(
    ("system", "endpoint"),
    [
        (AMAZON, "https://rekognition.eu-west-1.amazonaws.com"),
        (System("Countenance", "1.2", "our own"), OWN),
        (System("Lawson Gate", "1", "Lawson Ltd"), OWN),
    ],
)
def test_what_a_plan_says_rightly_stays(system: System, endpoint: str) -> None:
    assert system_asked(system, source("rekognition"), endpoint, None) == (system, "")


def test_what_is_known_of_the_model_is_what_the_service_answered() -> None:
    models = (
        ModelUsed("interface", "Amazon Rekognition API", "2016-06-27"),
        ModelUsed("model", "not told by CompareFaces", "not stated by the service"),
        ModelUsed("client", "boto3", "1.40"),
    )
    asked = asked_of(source("rekognition"), OWN, models, None)
    assert (asked.host, asked.model, asked.through) == ("127.0.0.1:8080", "not told by the service", "boto3 1.40")
    told = asked_of(source("azure-face"), OWN, (ModelUsed("model", "Azure Face recognition", "recognition_04"),), None)
    assert told.model == "Azure Face recognition recognition_04"
    assert host_of("https://key:secret@Faces.example.org/x") == "faces.example.org"
