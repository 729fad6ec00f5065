"""The composition root: Settings -> stores, rules, guard -> one ASGI application. It only wires parts together.

Any ASGI server runs it: `uvicorn --factory countenance.app:asgi`, with one worker.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine as Database
from starlette.types import ASGIApp
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from countenance import administration, console, monitoring, operations, settings
from countenance.api import azure, native, rekognition
from countenance.api.cors import cross_origin
from countenance.api.lifespan import Lifespan
from countenance.api.observed import Observed
from countenance.api.prefixes import PrefixRouter
from countenance.binding import BoundRow
from countenance.budgets import Budgets, read_defaults
from countenance.casework import CaseRecords, WaitingPictures, case_number_rows, case_rows
from countenance.cluster import ClusterPlan, ClusterSearch, Part, check_cluster, memory_for
from countenance.custody import Custody, custody_rows
from countenance.database import Transaction, open_database
from countenance.engine import Detector, Engine, load_manifests
from countenance.errors import CountenanceError, Misconfigured, NotOffered, NotRecorded, StoreError
from countenance.faces import ModelId
from countenance.gallery import (
    FaceShare,
    Gallery,
    GalleryPart,
    KeptFaces,
    RowsOnDisk,
    any_gallery,
    gallery_rows,
    miscounted,
    recount,
    size_of_all,
    user_rows,
)
from countenance.heap import bound_heap
from countenance.home import private_home
from countenance.jobs import VideoRequest, candidate_rows, candidates_going, job_rows
from countenance.key_files import BINDINGS, COPY_KEYS, LEDGER, foreign_keys, foreign_words, make_keys
from countenance.ledger import Bindings, Ledger, Records, named_heads
from countenance.mandates import (
    AccountStore,
    MoratoriumStore,
    OperatorStore,
    OutsideCheckStore,
    Register,
    SignInStore,
    account_rows,
    moratorium_rows,
    operator_rows,
    outside_check_rows,
    register_rows,
    sign_in_rows,
)
from countenance.observing import NOBODY, Observer, Observers
from countenance.policy import Rules
from countenance.scoring import Calibration, Normaliser, load_normaliser
from countenance.settings import Settings
from countenance.signing import JSON, Signer, secret_file
from countenance.video import VideoLimits

BOUND = (
    register_rows,
    operator_rows,
    moratorium_rows,
    gallery_rows,
    custody_rows,
    outside_check_rows,
    user_rows,
    sign_in_rows,
    account_rows,
    case_rows,
    job_rows,
    candidate_rows,
    case_number_rows,
)
"""All rows that must be as the ledger recorded them."""
UNHELD = ("images",)
"""Tables of which nothing is kept in memory to compare them: a picture's row is used with none but `verify`'s check."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Countenance:
    """One open installation. Parts that need models are made on first use."""

    settings: Settings
    database: Database
    register: Register
    ledger: Ledger
    bindings: Bindings
    _galleries_read: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def open(cls, settings: Settings) -> Countenance:
        """Open the database under `settings.home`, making folder, keys and tables on first use.

        `StoreError` where the disk does not let it, with what to do.
        """
        try:
            return cls._open(settings)
        except OSError as error:
            raise StoreError(
                f"the data folder {settings.home} cannot be used: {error.strerror}; see that it is there, belongs to "
                "the user who runs this, is writable and has room"
            ) from error

    @classmethod
    def _open(cls, settings: Settings) -> Countenance:
        private_home(settings.home)
        database = open_database(settings.place)
        if not Records(database).size:
            make_keys(settings.keys)
        ledger = Ledger(database, Signer.from_file(settings.keys / LEDGER), settings.origin, _now)

        def erase_pictures(
            transaction: Transaction, face_ids: Sequence[str], gallery_id: str | None
        ) -> Sequence[BoundRow]:
            return own.case_records.erase_pictures_of_faces(transaction, face_ids, gallery_id)

        bindings = Bindings(database, ledger, secret_file(settings.keys / BINDINGS), BOUND, erase_pictures, UNHELD)
        register = Register(database, secret_file(settings.keys / "mandates.key"), _now, bindings)
        own = cls(settings, database, register, ledger, bindings)
        return own

    @cached_property
    def mandates(self) -> administration.Mandates:
        """The mandates; every change is a ledger entry first."""
        return administration.Mandates(self.register, self.ledger, _now, self.budgets)

    @cached_property
    def operators(self) -> administration.Operators:
        """The operators; every change is a ledger entry first."""
        return administration.Operators(OperatorStore(self.database, _now, os.urandom, self.bindings), self.ledger)

    @property
    def _check_store(self) -> OutsideCheckStore:
        return OutsideCheckStore(self.database, _now, self.bindings)

    @cached_property
    def outside_checks(self) -> administration.OutsideChecks:
        """The outside checks of liveness; every change is a ledger entry first."""
        issuers = operations.trusted_issuers(self.settings.evidence)
        return administration.OutsideChecks(self._check_store, self.jobs.liveness, self.ledger, issuers)

    @cached_property
    def accounts(self) -> administration.Accounts:
        """The operators' sign-in to the console; each is a ledger entry first."""
        return administration.Accounts(
            self._account_store, self._sign_in_store, self.operators, self.mandates, self.ledger
        )

    @cached_property
    def passkeys(self) -> administration.Passkeys:
        """The operators' passkeys; every change is a ledger entry first."""
        return administration.Passkeys(
            self._account_store,
            self._sign_in_store,
            self.accounts,
            self.operators,
            self.ledger,
            self.settings.console_url,
        )

    @cached_property
    def provider_sign_in(self) -> administration.ProviderSignIn:
        """Sign-in by an OpenID provider, where one is configured, and the links of its accounts."""
        s, provider = self.settings, None
        if s.oidc_issuer is not None and s.console_url is not None:
            pages = s.console_url + console.PREFIX
            terms = administration.ProviderTerms(
                s.oidc_issuer,
                s.oidc_client_id,
                s.oidc_secret(),
                pages + console.PROVIDER_RETURNS,
                pages + console.SIGN_IN,
                s.oidc_second_factors,
            )
            provider = administration.IdentityProvider(terms, _now)
        return administration.ProviderSignIn(
            self._account_store, self._sign_in_store, self.accounts, self.operators, self.ledger, provider
        )

    @property
    def _account_store(self) -> AccountStore:
        key = secret_file(self.settings.keys / "console.key")
        return AccountStore(self.database, key, _now, os.urandom, self.bindings)

    @property
    def _sign_in_store(self) -> SignInStore:
        return SignInStore(self.database, _now, os.urandom, self.bindings)

    @cached_property
    def rules(self) -> Rules:
        """The packs in force."""
        return Rules.load(self.settings.packs, self.settings.packs_dir, self.settings.appeal_contact)

    @property
    def model(self) -> ModelId:
        """The embedder that the manifest names, without loading it."""
        return load_manifests(self.settings.models_dir)[self.settings.model].model

    @property
    def detects_only(self) -> bool:
        """Whether the profile is detection-only: then there is no embedder and no gallery."""
        return self.settings.profile == settings.DETECTION_ONLY

    @cached_property
    def detector(self) -> Detector:
        """The detector alone, verified and loaded; for the profile detection-only."""
        s = self.settings
        return Detector.open_detector(
            s.models_cache, s.detector, threads=s.threads, extra=s.models_dir, smallest_face=s.smallest_face
        )

    @cached_property
    def engine(self) -> Engine:
        """The models, verified and loaded."""
        self._check_recognition()
        s = self.settings
        return Engine.open(
            s.models_cache,
            s.detector,
            s.model,
            threads=s.threads,
            extra=s.models_dir,
            smallest_face=s.smallest_face,
        )

    @cached_property
    def normaliser(self) -> Normaliser:
        """The score normaliser of the model in use."""
        return load_normaliser(self.model, self.settings.calibration / "cohorts")

    @cached_property
    def gallery(self) -> Gallery:
        """The enrolled faces."""
        self._check_recognition()
        return Gallery(
            self.database,
            self.normaliser,
            _now,
            lambda: str(uuid.uuid4()),
            recorder=self.bindings,
            on_disk=self.rows_on_disk,
            searching=self.cluster,
            going=candidates_going,
        )

    @property
    def rows_on_disk(self) -> RowsOnDisk | None:
        """Where the rows of large galleries lie, as the settings say."""
        home = self.settings.home
        places = {settings.AUTO: RowsOnDisk(home), settings.MEMORY: None, settings.DISK: RowsOnDisk(home, beyond=0)}
        return places[self.settings.rows]

    @cached_property
    def cluster(self) -> ClusterSearch | None:
        """The search among the nodes of a cluster, where there is one; `Misconfigured` where it must not be used."""
        if self.settings.cluster is None:
            return None
        self.check_cluster()
        return ClusterSearch(self.cluster_plan, settings.environment())

    def check_cluster(self) -> None:
        """`Misconfigured` where the cluster must not be used; an entry where it is used without protection."""
        s = self.settings
        missing = check_cluster(self.cluster_plan.address, settings.environment(), plain=s.cluster_plain is not None)
        if missing is not None:
            what: dict[str, JSON] = {"kind": "alarm", "what": "used a cluster without protection", "missing": missing}
            self.ledger.append({**what, "reason": s.cluster_plain}).wait()

    @property
    def cluster_plan(self) -> ClusterPlan:
        """What the settings ask of the cluster; `Misconfigured` where they name none."""
        s = self.settings
        if s.cluster is None:
            raise Misconfigured("there is no cluster: COUNTENANCE_CLUSTER names the address of Ray's head")
        if s.database is None:
            raise Misconfigured("a cluster needs PostgreSQL, which its nodes read: set COUNTENANCE_DATABASE")
        _, faces = size_of_all(self.database)
        return ClusterPlan(
            s.cluster,
            self.cluster_identity,
            s.cluster_shards,
            s.cluster_replicas,
            memory_for(faces, s.cluster_shards),
            open_part,
        )

    @property
    def cluster_identity(self) -> str:
        """What a node has to share with a server to search for it: key, ledger, model, normaliser, reserve. 64 hex
        digits.
        """
        normaliser = self.normaliser
        about = "\0".join((self.settings.origin, self.model, normaliser.identity, str(normaliser.reserve)))
        return hmac.digest(secret_file(self.settings.keys / "bindings.key"), about.encode(), "sha256").hex()

    @cached_property
    def tools(self) -> operations.Tools:
        """The parts that operations work with."""
        if self.detects_only:
            return self._detection_tools()
        calibration = Calibration.load(self.model, self.normaliser.identity, self.settings.calibration / "calibrations")
        evidence = operations.trusted_evidence(self.settings.evidence, shipped=self.settings.shipped_evidence)
        return operations.Tools(
            self.engine, self.gallery, self.normaliser, calibration, evidence, self.jobs, self.kept, self._check_store
        )

    def _detection_tools(self) -> operations.DetectionTools:
        """A detector and nothing else; `Misconfigured` where faces were enrolled in this data folder."""
        if any_gallery(self.database):
            raise Misconfigured(
                "this data folder holds galleries, and the profile detection-only has none: delete them first, or name "
                "another folder with COUNTENANCE_HOME"
            )
        return operations.DetectionTools(self.detector)

    def _check_recognition(self) -> None:
        if self.detects_only:
            raise NotOffered(operations.DETECTION_ONLY)

    @cached_property
    def jobs(self) -> operations.Jobs:
        """Jobs on stored video, and stream processors."""
        return operations.Jobs(self.database, _now, self.bindings)

    @cached_property
    def objects(self) -> rekognition.Objects:
        """The objects of S3 buckets."""
        s = self.settings
        if s.s3_endpoint is None:
            return rekognition.Objects(s.buckets)
        place = rekognition.S3Place(s.s3_endpoint, s.s3_region, s.s3_access_key, s.s3_secret_key, s.s3_buckets)
        return rekognition.Objects(s.buckets, rekognition.S3Endpoint(place))

    @cached_property
    def topics(self) -> operations.Topics:
        """Where the end of a video job is told."""
        return operations.Topics(self.settings.topics, _now)

    @cached_property
    def kept(self) -> KeptFaces:
        """Detected faces whose ids callers hold, in memory."""
        return KeptFaces(_now)

    @cached_property
    def custody(self) -> Custody:
        """The store of held results and retention terms."""
        return Custody(self.database, secret_file(self.settings.keys / "custody.key"), _now, self.bindings)

    @cached_property
    def moratoria(self) -> administration.Moratoria:
        """The moratoria; every change is a ledger entry first."""
        return administration.Moratoria(
            MoratoriumStore(self.database, self.bindings), self.moratoria_in_force, self.ledger
        )

    @cached_property
    def moratoria_in_force(self) -> operations.MoratoriaInForce:
        """The moratoria in force."""
        charter = None if self.settings.charter is None else operations.read_charter(self.settings.charter)
        return operations.MoratoriaInForce(MoratoriumStore(self.database, self.bindings), charter)

    @cached_property
    def custodian(self) -> administration.Custodian:
        """Custody; every change is a ledger entry first."""
        gallery = None if self.detects_only else self.gallery
        return administration.Custodian(
            self.custody, self.register, gallery, self.ledger, _now, partial(self.case_records.has, "hold")
        )

    @cached_property
    def case_records(self) -> CaseRecords:
        """The sealed records of cases, and the pictures under review."""
        return CaseRecords(self.database, self._casework_key, _now, self.bindings)

    @property
    def _casework_key(self) -> bytes:
        return secret_file(self.settings.keys / "casework.key")

    @cached_property
    def cases(self) -> administration.Cases:
        """The cases; every step is a ledger entry first."""
        return administration.Cases(
            self.case_records,
            WaitingPictures(self.database, self._casework_key, _now),
            self.custodian,
            self.mandates,
            self.guard,
            self.ledger,
            lambda: self.tools,
        )

    @cached_property
    def case_videos(self) -> administration.CaseVideos:
        """The stored videos of cases."""
        return administration.CaseVideos(
            self.cases, self.case_records, self.guard, self.ledger, self._stored, self._copied
        )

    @cached_property
    def video_jobs(self) -> administration.VideoJobList:
        """All jobs on stored video."""
        return administration.VideoJobList(lambda: self.jobs.videos, self.mandates, self.cases.file)

    def _stored(self, bucket: str, name: str) -> operations.StoredVideo:
        return operations.StoredVideo(
            bucket, name, lambda: self.objects.check(bucket, name, None, VideoLimits().max_bytes)
        )

    @contextmanager
    def _copied(self, asked: VideoRequest) -> Iterator[Path]:
        with operations.spooled(self.settings.home / operations.SPOOL) as folder:
            path = folder / "video"
            self.objects.copy(asked.bucket, asked.name, asked.version, path, VideoLimits().max_bytes)
            yield path

    @cached_property
    def audits(self) -> administration.AuditReports:
        """The audits that were asked for in a browser."""
        own = self.settings
        return administration.AuditReports(
            own.audits, own.keys / "audit.key", self.ledger, _now, settings.environment()
        )

    @cached_property
    def reviews(self) -> administration.Reviews:
        """The blind reviews; every step is a ledger entry first."""
        s = self.settings
        limits = administration.ReviewLimits(
            s.review_known_percent / 100, s.review_false_accept_percent / 100, s.review_false_reject_percent / 100
        )
        return administration.Reviews(
            self.cases,
            self.case_records,
            self.custodian,
            self.mandates,
            self.guard,
            self.ledger,
            lambda: self.tools,
            limits,
        )

    @cached_property
    def budgets(self) -> operations.BudgetKeeper:
        """The budgets of comparisons."""
        return operations.BudgetKeeper(self.account, read_defaults(self.settings.budgets))

    @cached_property
    def account(self) -> Budgets:
        """What budgets have counted."""
        return Budgets(self.database, secret_file(self.settings.keys / "budgets.key"), _now, named_heads)

    @cached_property
    def guard(self) -> operations.Guard:
        """The guard, the only way to run an operation."""
        return operations.Guard(
            self.tools,
            self.rules,
            self.ledger,
            self.register,
            self.custody,
            self.moratoria_in_force,
            _now,
            self.budgets,
            self._observer(),
        )

    def _observer(self) -> Observer:
        watching: list[Observer] = [each for each in (self.figures, self.traces) if each is not None]
        return Observers(watching) if watching else NOBODY

    @cached_property
    def traces(self) -> monitoring.Traces | None:
        """The spans of calls, where they are sent somewhere."""
        return None if self.settings.traces is None else monitoring.Traces.to(self.settings.traces)

    @cached_property
    def figures(self) -> monitoring.CallFigures | None:
        """The counters of calls, where figures are told."""
        return None if self.settings.metrics is None else monitoring.CallFigures(self._registry)

    @cached_property
    def _registry(self) -> CollectorRegistry:
        return CollectorRegistry()

    @cached_property
    def stopping(self) -> operations.Stopping:
        """The end of this server, for what takes long."""
        return operations.Stopping()

    def check_state(self, despite: str | None = None) -> None:
        """Compare every bound row, opening and charge with the ledger; `Misconfigured`, naming them, where one differs,
        or where a key file is not the one that sealed what lies in the database.

        despite: a reason to go on all the same; an entry records it and how many differ. What differs still grants
        nothing.
        """
        differences = self.bindings.differences() + miscounted(self.database) + self.account.differences()
        others = foreign_keys(self.settings.keys, self.database)
        if differences and not self.bindings.key_fits():
            others.append(BINDINGS)
        if others:
            differences = [foreign_words(others)]
        if not differences:
            return
        if despite is not None:
            entry: dict[str, JSON] = {
                "kind": "alarm",
                "what": "served despite differences",
                "differences": len(differences),
            }
            self.ledger.append({**entry, "reason": despite}).wait()
            for each in differences:
                logging.getLogger("countenance").error("served although %s", each)
            return
        if others:
            raise Misconfigured(
                f"{differences[0]}. {COPY_KEYS[0].upper()}{COPY_KEYS[1:]}; or start with `countenance serve --despite "
                "TEXT`, where what they sealed grants and opens nothing"
            )
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise Misconfigured(
            f"the database is not what the ledger recorded: {differences[0]}{more}. "
            "`countenance ledger verify` lists all. "
            "Put it right from a backup; or bind it as it is, on record, with `countenance ledger accept --reason "
            "TEXT`; or start with `countenance serve --despite TEXT`, where what differs grants nothing"
        )

    def accept_state(self, reason: str) -> int:
        """Bind every row as it is, with `reason` on record; returns how many differences that ended."""

        def also(transaction: Transaction) -> tuple[int, str]:
            settled, head = self.account.accept(transaction)
            return settled + recount(transaction), head

        return self.bindings.accept(reason, also)

    def check_writable(self) -> None:
        """`StoreError` where the ledger could not be written, with what to do: a server would answer nothing."""
        try:
            self.ledger.check_writable()
        except NotRecorded as error:
            raise StoreError(f"no call could be answered: {error}") from error

    def prepare_to_serve(self) -> None:
        """Bound the heap, limit this process to one BLAS thread for each request, and read all galleries behind.

        Best called before anything needs the models: while they load, one core is free for the galleries.
        """
        bound_heap()
        threadpool_limits(1, user_api="blas")  # requests run side by side, and waiting BLAS threads would spin
        if self.detects_only:
            self._galleries_read.set()  # there are none
        else:
            _ = self.cluster  # where it must not be used, this is the moment to say so
            threading.Thread(target=self._read_galleries, name="galleries", daemon=True).start()

    def asgi(self, *, closing: bool = False) -> ASGIApp:
        """All HTTP dialects and the console; faces past their term are erased from its start-up to its shutdown.

        closing: whether shutdown closes the installation, too.
        """
        pages = self._console()
        own = dict.fromkeys((native.PREFIX, *native.PROBES), self.native())
        others = {**own, azure.PREFIX: self._azure(), console.PREFIX: pages}
        doors: ASGIApp = PrefixRouter(self._rekognition(), others, pages)
        if self.figures is not None:
            named = {**dict.fromkeys(own, "v1"), azure.PREFIX: "azure", console.PREFIX: "console"}
            doors = Observed(doors, self.figures, named, rest="rekognition")
        return Lifespan(doors, partial(self._running, closing))

    def native(self) -> ASGIApp:
        """Our own HTTP API, /v1."""
        explainer = administration.Explainer(self.rules, self.moratoria_in_force, _now)
        record = administration.Record(self.ledger)
        door = native.FaceDoor(self.guard, self.register, self.executor, self.stopping)
        services = native.Services(
            self.operators,
            self.mandates,
            self.custodian,
            self.moratoria,
            explainer,
            record,
            door,
            self.outside_checks,
            native.CaseDoor(
                self.cases, self.case_videos, self.video_jobs, self.reviews, self.accounts.key_under, self.executor
            ),
            self._loaded,
            self.settings.home / native.SPOOL,
        )
        return native.app(services, key_limits=replace(native.KEY_LIMITS, requests=self.settings.queue))

    @contextmanager
    def _running(self, closing: bool) -> Iterator[None]:
        sweep = administration.RetentionSweep(self._sweep)
        sweep.start()
        video_jobs = 0 if self.detects_only else self.settings.video_jobs
        runner = self.video_runner(video_jobs)
        metrics = self._metrics()
        if metrics is not None:
            metrics.start()
        if video_jobs:
            runner.start()
        try:
            yield
        finally:
            if metrics is not None:
                metrics.stop()
            if video_jobs:
                runner.stop()
            sweep.stop()
            if closing:
                self.close()

    def video_runner(self, at_once: int) -> operations.VideoRunner:
        """What runs stored video jobs, so many at once."""
        return operations.VideoRunner(
            self.jobs.videos,
            self.guard,
            self.settings.home,
            at_once=at_once,
            fetch=self.objects.copy,
            tell=self.topics.tell,
        )

    def _metrics(self) -> monitoring.MetricsServer | None:
        place = self.settings.metrics_place
        if place is None:
            return None
        monitoring.InstallationGauges(
            self._registry,
            database=self.database,
            ledger=self.ledger,
            register=self.register,
            budgets=self.budgets,
            jobs=self.jobs,
            evidence=self._vouched,
            now=_now,
        )
        return monitoring.MetricsServer(self._registry, *place)

    def _vouched(self) -> operations.EvidenceFacts | None:
        if self.detects_only:
            return None
        tools = self.tools
        return operations.evidence_facts(tools.evidence, self.model, tools.calibration.identity, _now())

    def _sweep(self) -> int:
        """Forget detected faces whose time is over, erase enrolled ones past their term; how many were erased."""
        self.kept.sweep()
        self.cases.sweep()
        self.reviews.sweep()
        return self.custodian.sweep()

    def _loaded(self) -> bool:
        return self._galleries_read.is_set()

    def _read_galleries(self) -> None:
        try:
            self.gallery.read_all(self.model)
        except CountenanceError as error:  # then the first search of each gallery reads it
            logging.getLogger("countenance").error("galleries could not be read ahead: %s", error)
        finally:
            self._galleries_read.set()

    def _rekognition(self) -> ASGIApp:
        dialect = rekognition.app(
            self.guard,
            self.register,
            region=self.settings.region,
            regions=self.settings.regions,
            objects=self.objects,
            topics=self.topics,
            page_key=hashlib.sha256(b"pages" + secret_file(self.settings.keys / "mandates.key")).digest(),
            now=_now,
            executor=self.executor,
            limits=replace(rekognition.LIMITS, requests=self.settings.queue),
            detection_only=operations.DETECTION_ONLY if self.detects_only else None,
        )
        return cross_origin(dialect, self.settings.cors_origins)

    def _console(self) -> ASGIApp:
        explainer = administration.Explainer(self.rules, self.moratoria_in_force, _now)
        record = administration.Record(self.ledger)
        status = administration.InstallationStatus(lambda: self.tools, self.ledger, _now, settings.shown(self.settings))
        return console.app(
            console.ConsoleServices(
                self.accounts,
                self.passkeys,
                self.provider_sign_in,
                self.operators,
                self.mandates,
                self.custodian,
                self.moratoria,
                explainer,
                record,
                status,
                self.guard,
                self.cases,
                self.case_videos,
                self.video_jobs,
                self.reviews,
                self.audits,
                console.Streams(lambda: self.stopping.begun),
            )
        )

    def _azure(self) -> ASGIApp:
        limits = replace(azure.LIMITS, requests=self.settings.queue)
        return azure.app(
            self.guard, self.register, executor=self.executor, limits=limits, detects_only=self.detects_only
        )

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """Threads that run requests: more than cores, since some wait for the disk while others compute."""
        return ThreadPoolExecutor(2 * (self.settings.threads or os.cpu_count() or 1), thread_name_prefix="request")

    def close(self) -> None:
        """Write pending ledger entries, then release files and threads."""
        if "executor" in self.__dict__:
            self.executor.shutdown()
        self.ledger.close()
        if self.__dict__.get("cluster") is not None:
            self.__dict__["cluster"].close()
        if self.__dict__.get("traces") is not None:
            self.__dict__["traces"].close()
        for part in ("engine", "detector"):
            if part in self.__dict__:
                self.__dict__[part].close()
        self.database.dispose()


def open_part(share: FaceShare) -> Part:
    """A part of the galleries of the installation that the environment describes: what runs on a node of a cluster."""
    own = settings.load()
    settings.keep_kernels(own)
    app = Countenance.open(own)
    try:
        part = GalleryPart(
            app.database, app.normaliser, app.model, share, app.bindings, own.threads, on_disk=app.rows_on_disk
        )
        return Part(app.cluster_identity, part)
    except BaseException:
        app.close()
        raise


def asgi() -> ASGIApp:
    """The installation that the environment describes, for an ASGI server: it closes at the server's shutdown.

    Use one worker process: each loads the models, and all share one database and one ledger.
    """
    own = settings.load()
    settings.keep_kernels(own)
    app = Countenance.open(own)
    app.check_writable()
    app.check_state()
    app.prepare_to_serve()
    return app.asgi(closing=True)
