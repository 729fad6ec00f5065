"""Settings from the environment. No other module reads environment variables.

docs/settings.md documents every setting; a test compares the two.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from countenance.errors import BadRequest, Misconfigured

DATABASE = "countenance.sqlite"
"""The file of the data folder that holds all state."""

KERNELS = "kernels"
"""The folder of the data folder that holds compiled kernels; it can be deleted at any time."""

DETECTION_ONLY = "detection-only"
PROFILES = ("recognition", DETECTION_ONLY)
"""What can be set up; the first where nobody says."""

_ADDRESS = re.compile(r"([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}")
AUTO, MEMORY, DISK = "auto", "memory", "disk"
ROW_PLACES = (AUTO, MEMORY, DISK)
"""Where the rows that are searched lie; the first where nobody says."""
LOG_FORMS = ("text", "json")
"""How the log is written; the first where nobody says."""

_ESCAPED = r"(?:[^\s@:/?#\[\]%]|%[0-9A-Fa-f]{2})"
_DATABASE = re.compile(
    rf"postgresql://(?:{_ESCAPED}*(?::{_ESCAPED}*)?@)?(?:{_ESCAPED}*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?"
    rf"/{_ESCAPED}+(?:\?[^\s#]*)?"
)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one installation, made by `load`. Each field is the variable COUNTENANCE_<FIELD>."""

    home: Path
    """Data folder: database, keys, models; by default the platform's folder for a user's data. COUNTENANCE_HOME"""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """Port to listen on."""
    region: str = "us-east-1"
    """The AWS region that ARNs and printed settings name."""
    regions: tuple[str, ...] = ()
    """The AWS regions that requests may be signed for, comma-separated; none named, any."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call from a browser, comma-separated: https://host, or * for all."""
    buckets: Mapping[str, Path] = field(default_factory=dict)
    """Folders that serve as S3 buckets: COUNTENANCE_BUCKETS=name=/path,other=/path"""
    s3_endpoint: str | None = None
    """URL of an S3 endpoint for buckets that no folder stands for."""
    s3_buckets: tuple[str, ...] = ()
    """The buckets of that endpoint that may be read, comma-separated."""
    s3_region: str = "us-east-1"
    """Region that requests to that endpoint are signed for."""
    s3_access_key: str = ""
    """Access key id for that endpoint."""
    s3_secret_key: str = field(default="", repr=False)
    """The secret of that access key."""
    topics: Mapping[str, str] = field(default_factory=dict)
    """Where the end of a video job is told: COUNTENANCE_TOPICS=ARN=https://host/path,ARN=URL"""
    video_jobs: int = 1
    """Jobs on stored video that run at once; 0 means that this process runs none."""
    database: str | None = field(default=None, repr=False)
    """URL of a PostgreSQL database, postgresql://user@host/name, in place of the SQLite file in the data folder."""
    cluster: str | None = None
    """Address of the head of a Ray cluster whose nodes hold the galleries, host:port; needs countenance[cluster]."""
    cluster_shards: int = 1
    """Parts that the galleries are split into among the nodes."""
    cluster_replicas: int = 1
    """Copies of each part, on different nodes as far as there are enough."""
    cluster_plain: str | None = None
    """Why that cluster may be used without TLS and token although it is not on this machine; goes on record."""
    origin: str = "countenance.local/ledger"
    """The name under which the ledger signs its checkpoints: a host and path of yours, without a scheme."""
    packs: tuple[str, ...] = ("house",)
    """Rule packs in force, comma-separated."""
    packs_dir: Path | None = None
    """A folder of further rule packs, beside those that ship."""
    charter: Path | None = None
    """A JSON file that names the keys which set and lift moratoria."""
    budgets: Path | None = None
    """A TOML file of budgets by purpose, beside those that ship."""
    appeal_contact: str = "the operator of this server"
    """Whom a denied caller or person can write to. Every denial names it."""
    model: str = "sface"
    """Name of the embedder in the manifest."""
    profile: str = "recognition"
    """What is set up: recognition, or detection-only: no embedder, no galleries."""
    detector: str = "yunet"
    """Name of the detector in the manifest."""
    weights: Path | None = None
    """Folder of fetched weights; default HOME/models."""
    models_dir: Path | None = None
    """A folder of further model manifests (*.toml) with their files."""
    threads: int = 0
    """Threads for vision and search together; 0 means all cores."""
    rows: str = AUTO
    """Where the rows that are searched lie: memory, disk (in HOME), or auto, which is disk for large galleries."""
    smallest_face: int = 20
    """Width in pixels of the smallest face that large pictures are searched for; smaller costs more time."""
    queue: int = 64
    """Requests that may wait for the engine before callers are told to slow down."""
    connections: int = 512
    """Connections open at once; beyond that, the one that has waited longest without a request makes room."""
    connections_per_address: int = 128
    """The same for one address; a proxy in front of the server counts as one."""
    review_known_percent: int = 20
    """Of the pairs that reviewers judge, the percentage whose truth is known, 0 to 50."""
    review_false_accept_percent: int = 10
    """The right to review ends above this false accept rate on known pairs, in percent."""
    review_false_reject_percent: int = 30
    """The same for the false reject rate."""
    console_url: str | None = None
    """The address of the console in browsers, such as https://faces.example; passkeys and OpenID Connect need it."""
    oidc_issuer: str | None = None
    """The issuer of an OpenID provider that operators may sign in by."""
    oidc_client_id: str = ""
    """The name under which this server is registered there."""
    oidc_client_secret: str = field(default="", repr=False)
    """The secret that goes with it; this, or a file that holds it."""
    oidc_client_secret_file: Path | None = None
    """A file that holds that secret."""
    oidc_second_factors: tuple[str, ...] = ("mfa",)
    """Of these the provider must name one as amr or acr, comma-separated; any, it need not."""
    metrics: str | None = None
    """Address and port that figures for Prometheus are told at, such as 127.0.0.1:9464; none, nowhere."""
    traces: str | None = None
    """URL that traces of calls are sent to by OTLP over HTTP; needs countenance[tracing]."""
    tls_certificate: Path | None = None
    """A certificate and its chain in PEM; with its key, the server speaks HTTPS."""
    tls_key: Path | None = None
    """The private key of that certificate in PEM, without a passphrase."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count, comma-separated."""
    stop_seconds: int = 10
    """How long what is in hand may take to end when the server is stopped."""
    log: str = "text"
    """How the log is written: text, or json, one object a line."""
    shipped_evidence: bool = True
    """Whether the project's own evidence is trusted beside the operator's."""
    evidence: Path | None = None
    """A folder of evidence bundles that this operator trusts, beside the one that ships."""
    data: Path | None = None
    """A folder of evaluation data, for calibrating, auditing and benchmarks only."""

    @property
    def endpoint(self) -> str:
        """The address that a client on this machine uses."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - all addresses, this too
        scheme = "http" if self.tls_certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def metrics_place(self) -> tuple[str, int] | None:
        """Host and port that figures are told at, if they are."""
        return None if self.metrics is None else _place_of(self.metrics)

    def oidc_secret(self) -> str:
        """The secret for the OpenID provider; `Misconfigured` where its file cannot be read, or is empty."""
        if self.oidc_client_secret_file is None:
            return self.oidc_client_secret
        try:
            secret = self.oidc_client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"COUNTENANCE_OIDC_CLIENT_SECRET_FILE cannot be read: {type(error).__name__}"
            ) from error
        if not secret:
            raise Misconfigured("COUNTENANCE_OIDC_CLIENT_SECRET_FILE is empty")
        return secret

    @property
    def database_file(self) -> Path:
        """The SQLite file that holds all state, unless `database` names another place."""
        return self.home / DATABASE

    @property
    def place(self) -> Path | str:
        """Where all state is kept: the SQLite file, or the URL of a PostgreSQL database."""
        return self.database or self.database_file

    @property
    def keys(self) -> Path:
        """Folder of this installation's private keys (mode 700)."""
        return self.home / "keys"

    @property
    def calibration(self) -> Path:
        """Folder that `countenance calibrate` writes to. Its files take precedence over those that ship."""
        return self.home / "calibration"

    @property
    def audits(self) -> Path:
        """Folder of the audits that were asked for in a browser, and their reports (mode 700)."""
        return self.home / "audits"

    @property
    def models_cache(self) -> Path:
        """Folder of fetched weights."""
        return self.weights or self.home / "models"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the variables COUNTENANCE_*; `Misconfigured` if one is unknown or malformed."""
    known = {field.name.upper() for field in fields(Settings)}
    given = {name.removeprefix("COUNTENANCE_"): v for name, v in environ.items() if name.startswith("COUNTENANCE_")}
    unknown = sorted(set(given) - known)
    if unknown:
        raise Misconfigured(f"unknown setting COUNTENANCE_{unknown[0]}; see docs/settings.md")
    named = _path(given.get("HOME"))
    defaults = Settings(home=named or default_home())
    if bool(given.get("TLS_CERTIFICATE")) != bool(given.get("TLS_KEY")):
        raise Misconfigured("COUNTENANCE_TLS_CERTIFICATE and COUNTENANCE_TLS_KEY are set together, or neither is")
    return Settings(
        home=defaults.home,
        host=given.get("HOST", defaults.host),
        port=_number(given, "PORT", defaults.port, 0, 65535),
        region=given.get("REGION", defaults.region),
        regions=_words(given.get("REGIONS", "")),
        cors_origins=_origins(given.get("CORS_ORIGINS", "")),
        buckets=_buckets(given.get("BUCKETS", "")),
        s3_endpoint=given.get("S3_ENDPOINT") or None,
        s3_buckets=tuple(b.strip() for b in given.get("S3_BUCKETS", "").split(",") if b.strip()),
        s3_region=given.get("S3_REGION", defaults.s3_region),
        s3_access_key=given.get("S3_ACCESS_KEY", ""),
        s3_secret_key=given.get("S3_SECRET_KEY", ""),
        topics=_topics(given.get("TOPICS", "")),
        video_jobs=_number(given, "VIDEO_JOBS", defaults.video_jobs, 0, 64),
        database=_database(given.get("DATABASE")),
        cluster=_address(given, "CLUSTER"),
        cluster_shards=_number(given, "CLUSTER_SHARDS", defaults.cluster_shards, 1, 4096),
        cluster_replicas=_number(given, "CLUSTER_REPLICAS", defaults.cluster_replicas, 1, 16),
        cluster_plain=given.get("CLUSTER_PLAIN", "").strip() or None,
        origin=given.get("ORIGIN", defaults.origin),
        packs=_words(given.get("PACKS", "house")),
        packs_dir=_path(given.get("PACKS_DIR")),
        charter=_path(given.get("CHARTER")),
        budgets=_path(given.get("BUDGETS")),
        appeal_contact=given.get("APPEAL_CONTACT", defaults.appeal_contact),
        model=given.get("MODEL", defaults.model),
        profile=_one_of(given, "PROFILE", PROFILES),
        detector=given.get("DETECTOR", defaults.detector),
        weights=_path(given.get("WEIGHTS")),
        models_dir=_path(given.get("MODELS_DIR")),
        threads=_number(given, "THREADS", defaults.threads, 0, 1024),
        rows=_one_of(given, "ROWS", ROW_PLACES),
        smallest_face=_number(given, "SMALLEST_FACE", defaults.smallest_face, 16, 1024),
        queue=_number(given, "QUEUE", defaults.queue, 1, 65536),
        connections=_number(given, "CONNECTIONS", defaults.connections, 1, 65536),
        connections_per_address=_number(given, "CONNECTIONS_PER_ADDRESS", defaults.connections_per_address, 1, 65536),
        review_known_percent=_number(given, "REVIEW_KNOWN_PERCENT", defaults.review_known_percent, 0, 50),
        review_false_accept_percent=_number(
            given, "REVIEW_FALSE_ACCEPT_PERCENT", defaults.review_false_accept_percent, 0, 100
        ),
        review_false_reject_percent=_number(
            given, "REVIEW_FALSE_REJECT_PERCENT", defaults.review_false_reject_percent, 0, 100
        ),
        console_url=_console_url(given),
        oidc_issuer=_issuer(given),
        oidc_client_id=given.get("OIDC_CLIENT_ID", ""),
        oidc_client_secret=given.get("OIDC_CLIENT_SECRET", ""),
        oidc_client_secret_file=_path(given.get("OIDC_CLIENT_SECRET_FILE")),
        oidc_second_factors=_words(given.get("OIDC_SECOND_FACTORS", "")) or defaults.oidc_second_factors,
        metrics=_address(given, "METRICS"),
        traces=_url(given, "TRACES"),
        tls_certificate=_path(given.get("TLS_CERTIFICATE")),
        tls_key=_path(given.get("TLS_KEY")),
        proxies=_networks(given, "PROXIES"),
        stop_seconds=_number(given, "STOP_SECONDS", defaults.stop_seconds, 1, 3600),
        log=_one_of(given, "LOG", LOG_FORMS),
        shipped_evidence=bool(_number(given, "SHIPPED_EVIDENCE", 1, 0, 1)),
        evidence=_path(given.get("EVIDENCE")),
        data=_path(given.get("DATA")),
    )


def load_home(home: Path) -> Settings:
    """The settings in the environment, but for the data folder, which is `home`."""
    return load({**os.environ, "COUNTENANCE_HOME": str(home)})


def use_home(home: str) -> None:
    """Have this process, and those that it starts, use the data folder `home`, whatever COUNTENANCE_HOME said."""
    os.environ["COUNTENANCE_HOME"] = home


def use_profile(profile: str) -> None:
    """Have this process set up `profile`, whatever COUNTENANCE_PROFILE said."""
    os.environ["COUNTENANCE_PROFILE"] = profile


def keep_kernels(settings: Settings) -> None:
    """Have this process keep what numba compiles in the data folder, unless NUMBA_CACHE_DIR names another.

    Called before numba is imported. Beside the program, where it would lie otherwise, this user may not write.
    """
    os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.home / KERNELS))


def client_environment() -> Mapping[str, str]:
    """What the environment tells AWS clients: its variables whose names begin with AWS_."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def shown(settings: Settings) -> dict[str, str]:
    """Every setting by the name of its variable, as text for people; of secrets only whether they are set.

    Addresses are shown without what may let somebody in: names, passwords and queries in them.
    """
    return {
        f"COUNTENANCE_{each.name.upper()}": _said(each.name, getattr(settings, each.name)) for each in fields(Settings)
    }


def _said(name: str, value: object) -> str:
    if name in ("s3_secret_key", "oidc_client_secret"):
        return "(set, not shown)" if value else ""
    if name in ("topics", "s3_endpoint", "traces", "database"):
        places = value if isinstance(value, Mapping) else {"": value or ""}
        return ", ".join("=".join(filter(None, (key, _place(str(url))))) for key, url in places.items())
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={part}" for key, part in value.items())
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def _place(url: str) -> str:
    """Scheme, host and port of an address: what follows may be a secret, too."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else url


def default_home() -> Path:
    """The data folder where none is named: ./data if an installation lies there, else the platform's folder for it.

    `Misconfigured` where the platform has none, as for a service without a home folder.
    """
    here = Path("data").resolve()
    if any((here / name).exists() for name in (DATABASE, "keys/ledger.key", "keys/audit.key")):
        return here
    folder = platformdirs.user_data_path("countenance", appauthor=False)
    if not folder.is_absolute():
        raise Misconfigured("this user has no home folder; name a data folder with COUNTENANCE_HOME or --home")
    return folder


def environment(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """All variables, for files that name the one which holds a key, as an audit's adapters do."""
    return dict(environ)


def home_sentence(home: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Which data folder is used, and why where nobody named it."""
    if environ.get("COUNTENANCE_HOME"):
        return f"data in {home}"
    if home == Path("data").resolve():
        return f"data in {home}: an installation lies in ./data of this folder, and COUNTENANCE_HOME names no other"
    return f"data in {home}"


def data_folder(settings: Settings, named: Path | None = None) -> Path:
    """The folder of evaluation data: `named`, else that of the settings; `BadRequest` if neither is given."""
    folder = named or settings.data
    if folder is None:
        raise BadRequest("this needs evaluation data: name its folder with --data or COUNTENANCE_DATA")
    return folder


def _number(given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise Misconfigured(f"COUNTENANCE_{name} is a whole number from {low} to {high}, got {text!r}")
    return value


def _address(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name) or None
    if text is not None and (not _ADDRESS.fullmatch(text) or _place_of(text)[1] > 65535):
        raise Misconfigured(f"COUNTENANCE_{name} is an address and a port such as 127.0.0.1:9464, got {text!r}")
    return text


def _place_of(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _url(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name) or None
    if text is not None and (urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname):
        raise Misconfigured(f"COUNTENANCE_{name} is a URL such as http://127.0.0.1:4318/v1/traces")
    return text


def _console_url(given: Mapping[str, str]) -> str | None:
    text = (given.get("CONSOLE_URL") or "").rstrip("/")
    if text and not (_ORIGIN.fullmatch(text) and _safe(text)):
        raise Misconfigured(
            "COUNTENANCE_CONSOLE_URL is https://host or https://host:port; http only on this machine, as "
            "http://localhost:8080"
        )
    scheme, _, rest = text.partition("://")
    return text.removesuffix({"https": ":443", "http": ":80"}[scheme]) if rest else None  # as browsers write it


def _issuer(given: Mapping[str, str]) -> str | None:
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "CONSOLE_URL")
    text = given.get("OIDC_ISSUER") or None
    secrets = [name for name in ("OIDC_CLIENT_SECRET", "OIDC_CLIENT_SECRET_FILE") if given.get(name)]
    if text is None:
        if secrets or given.get("OIDC_CLIENT_ID"):
            raise Misconfigured("COUNTENANCE_OIDC_ settings need COUNTENANCE_OIDC_ISSUER")
        return None
    if missing := [name for name in names if not given.get(name)]:
        raise Misconfigured(f"COUNTENANCE_OIDC_ISSUER needs COUNTENANCE_{missing[0]}")
    if len(secrets) != 1:
        raise Misconfigured(
            "COUNTENANCE_OIDC_ISSUER needs one of COUNTENANCE_OIDC_CLIENT_SECRET and "
            "COUNTENANCE_OIDC_CLIENT_SECRET_FILE"
        )
    parts = urlsplit(text)
    if not _safe(text) or len(text) > 255 or parts.query or parts.fragment or parts.username is not None:
        raise Misconfigured(
            "COUNTENANCE_OIDC_ISSUER is an address with https, such as https://id.example/realms/city, without a "
            "question mark; http only on this machine"
        )
    return text


def _safe(url: str) -> bool:
    """Whether what is sent there cannot be read on the way: HTTPS, or this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1"))
    )


def _networks(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    words = _words(given.get(name, ""))
    for word in words:
        try:
            ipaddress.ip_network(word)
        except ValueError as error:
            raise Misconfigured(
                f"COUNTENANCE_{name} is addresses or networks, such as 10.0.0.7,192.168.0.0/24, got {word!r}"
            ) from error
    return words


def _one_of(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = given.get(name, choices[0])
    if text not in choices:
        raise Misconfigured(f"COUNTENANCE_{name} is {' or '.join(choices)}, got {text!r}")
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _origins(text: str) -> tuple[str, ...]:
    for origin in (words := _words(text)):
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise Misconfigured(f"COUNTENANCE_CORS_ORIGINS is https://host,http://other:port or *, got {origin!r}")
    return words


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser().resolve() if text else None


def _buckets(text: str) -> dict[str, Path]:
    buckets: dict[str, Path] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, folder = item.partition("=")
        if not (name and equals and folder):
            raise Misconfigured(f"COUNTENANCE_BUCKETS is name=/folder,other=/folder, got {item!r}")
        buckets[name] = Path(folder).expanduser().resolve()
    return buckets


def _database(text: str | None) -> str | None:
    if text and not _DATABASE.fullmatch(text):  # which it does not repeat: it may hold a password
        raise Misconfigured(
            "COUNTENANCE_DATABASE is postgresql://user@host:port/name, in which @ : / ? # [ ] and % of a name or "
            "password are written %40 %3A %2F %3F %23 %5B %5D and %25; several hosts are "
            "postgresql://user@/name?host=one:5432&host=other:5432"
        )
    return text or None


def _topics(text: str) -> dict[str, str]:
    topics: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        arn, _, url = item.partition("=")
        if not (arn.startswith("arn:") and url.startswith(("https://", "http://")) and url.partition("//")[2]):
            raise Misconfigured(f"COUNTENANCE_TOPICS is ARN=https://host/path,ARN=URL, got {item!r}")
        topics[arn] = url
    return topics
