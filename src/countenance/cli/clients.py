"""`countenance clients`: where the clients on this machine would send a face, without sending anything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from countenance.cli.client_versions import MINIMA, minima_line
from countenance.settings import Settings, client_environment, load

_PYTHON = """
import json, boto3
client = boto3.client("rekognition", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
print(json.dumps([boto3.__version__, client.meta.endpoint_url]))
"""
_NODE_3 = """
const { RekognitionClient, ListCollectionsCommand } = require("@aws-sdk/client-rekognition");
const { version } = require("@aws-sdk/client-rekognition/package.json");
const requestHandler = {
  metadata: { handlerProtocol: "http/1.1" },
  handle: async (asked) => {
    const port = asked.port ? ":" + asked.port : "";
    console.log(JSON.stringify([version, asked.protocol + "//" + asked.hostname + port]));
    throw new Error("nothing is sent");
  },
  destroy() {}, updateHttpClientConfig() {}, httpHandlerConfigs() { return {}; },
};
const credentials = { accessKeyId: "none", secretAccessKey: "none" };
const client = new RekognitionClient({ region: "us-east-1", credentials, requestHandler, maxAttempts: 1 });
client.send(new ListCollectionsCommand({})).catch(() => {});
"""
_NODE_2 = """
const aws = require("aws-sdk");
console.log(JSON.stringify([aws.VERSION, new aws.Rekognition({ region: "us-east-1" }).endpoint.href]));
"""
_WAIT_S = 60


@dataclass(frozen=True, slots=True)
class Reached:
    """A client and where it would go. address: a URL; None where only its version is known."""

    client: str
    version: str
    address: str | None
    at: str


@click.command("clients")
@click.option(
    "--python", "pythons", multiple=True, help="A Python whose boto3 is asked, beside the one that runs this command."
)
@click.option(
    "--node",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with node_modules, whose AWS SDK is asked; runs its code.",
)
def clients(pythons: tuple[str, ...], folders: tuple[Path, ...]) -> None:
    """Say where clients would send faces, given this environment; exit code 1 where one goes to AWS.

    Old clients do not know AWS_ENDPOINT_URL_REKOGNITION and send everything to AWS, without a word. Nothing is sent.
    """
    settings = load()
    environment = client_environment()
    click.echo(f"this server       {settings.endpoint}")
    for name in ("AWS_ENDPOINT_URL_REKOGNITION", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        if name in environment or name == "AWS_ENDPOINT_URL_REKOGNITION":
            click.echo(f"{name}  {environment.get(name, 'not set')}")
    installed = [*_boto3([sys.executable, *pythons]), *_command(), *_node(folders)]
    leaks = 0
    for each in installed:
        verdict, leak = _verdict(each, settings)
        leaks += leak
        click.echo(f"{each.client} {each.version}: {verdict}  ({each.at})")
    if not installed:
        click.echo("no client was found; name another Python with --python, or a folder with node_modules with --node")
    click.echo(f"needed at least   {minima_line()}")
    if leaks:
        sys.exit(1)


def _verdict(each: Reached, settings: Settings) -> tuple[str, bool]:
    if each.address is None:
        minimum = MINIMA.get(f"{each.client} {each.version.partition('.')[0]}", "0")
        environment = client_environment()
        address = environment.get("AWS_ENDPOINT_URL_REKOGNITION") or environment.get("AWS_ENDPOINT_URL")
        if _numbers(each.version) < _numbers(minimum):
            return f"to AWS: it is older than {minimum}, which is the first that knows the variable", True
        if not address or environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
            return "to AWS, unless its configuration file or --endpoint-url names another address", True
    else:
        address = each.address
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host == "amazonaws.com" or host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        return f"to AWS, {address}", True
    ours = urlsplit(settings.endpoint)
    here = (_loopback(host), parts.port) == (_loopback(ours.hostname or ""), ours.port)
    return ("here" if here else f"to {address}, which is not the address of this server"), False


def _loopback(host: str) -> str:
    return "127.0.0.1" if host in ("localhost", "::1", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _boto3(pythons: Sequence[str]) -> Iterator[Reached]:
    for python in dict.fromkeys(pythons):
        printed = _asked([python, "-c", _PYTHON])
        if printed is not None:
            yield Reached("boto3", *printed, at=python)


def _command() -> Iterator[Reached]:
    program = shutil.which("aws")
    if program is None:
        return
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_WAIT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return
    if version := re.search(r"aws-cli/(\d+(?:\.\d+)*)", done.stdout + done.stderr):
        yield Reached("AWS CLI", version[1], None, program)


def _node(folders: Sequence[Path]) -> Iterator[Reached]:
    node = shutil.which("node")
    for folder in folders:
        if node is None:
            click.echo(f"there is no node on PATH to ask about {folder}", err=True)
            return
        for package, script in (("@aws-sdk/client-rekognition", _NODE_3), ("aws-sdk", _NODE_2)):
            printed = _asked([node, "-e", script], folder)
            if printed is not None:
                yield Reached(package, *printed, at=str(folder))


def _asked(command: Sequence[str], folder: Path | None = None) -> tuple[str, str] | None:
    """The version and address that a script prints; None where the package is not there."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed scripts, and programs that the user named
            list(command), cwd=folder, capture_output=True, text=True, timeout=_WAIT_S, check=False
        )
        version, address = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return str(version), str(address)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
