"""The closed lists of words that facts may take. A word that is not listed cannot be stated."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What is asked for. Each is one Cedar action."""

    DETECT = "detect"
    """find faces; nothing about who they are"""
    VERIFY = "verify"
    """compare one face with one face (1:1)"""
    IDENTIFY = "identify"
    """look for one face among many (1:N)"""
    ENROL = "enrol"
    """add faces to a gallery"""
    TRACK = "track"
    """follow a face through time or from camera to camera"""
    CATEGORISE = "categorise"
    """infer origin, religion, politics, sex life or another such trait from a face"""
    INFER_EMOTION = "infer_emotion"
    """infer a feeling from a face"""
    REDACT = "redact"
    """make faces unrecognisable"""
    READ = "read"
    """list or describe what is enrolled, templates excluded"""
    MANAGE = "manage"
    """make or remove a gallery"""
    ERASE = "erase"
    """remove faces from a gallery"""
    DISCLOSE = "disclose"
    """hand a result, or face data, to somebody else"""
    TEST = "test"
    """measure accuracy on a tester's own pictures"""
    PREDICT = "predict"
    """foretell who will commit a crime, or where; no face is needed for it, and no operation of this server does it"""


class Power(StrEnum):
    """What somebody may do to people."""

    ARREST = "arrest"
    DETAIN = "detain"
    DEPORT = "deport"
    PROSECUTE = "prosecute"
    CORRECT = "correct"
    """hold people in custody"""
    INTELLIGENCE = "intelligence"
    MILITARY = "military"
    BORDER = "border"
    """stop people at a border"""
    ADJUDICATE = "adjudicate"
    """judge a case"""
    BENEFITS = "benefits"
    """grant or refuse public money or services"""
    SCHOOLING = "schooling"
    """authority over pupils"""
    EMPLOY = "employ"
    """authority over workers"""


COERCIVE_POWERS = frozenset(
    {
        Power.ARREST,
        Power.DETAIN,
        Power.DEPORT,
        Power.PROSECUTE,
        Power.CORRECT,
        Power.INTELLIGENCE,
        Power.MILITARY,
        Power.BORDER,
    }
)
"""Powers to take away freedom, or to prepare for it in secret."""


class Tier(StrEnum):
    """The level of government that somebody belongs to."""

    NONE = "none"
    """no public body: a person, firm or association"""
    MUNICIPAL = "municipal"
    """city or county"""
    STATE = "state"
    """a state of a federation, a region"""
    NATIONAL = "national"
    """a country's own government, a federal agency"""
    INTERNATIONAL = "international"
    """a body of several countries"""


class Mode(StrEnum):
    """When the answer comes."""

    AFTERWARDS = "afterwards"
    """from recorded pictures"""
    REAL_TIME = "real_time"
    """from a live feed, or without significant delay"""


class Purpose(StrEnum):
    """What it is for."""

    CRIMINAL_INVESTIGATION = "criminal_investigation"
    CRIME_PREVENTION = "crime_prevention"
    PUBLIC_ORDER = "public_order"
    INTELLIGENCE = "intelligence"
    """national security"""
    MILITARY = "military"
    IMMIGRATION_ENFORCEMENT = "immigration_enforcement"
    BORDER_CONTROL = "border_control"
    MISSING_PERSON = "missing_person"
    VICTIM_SEARCH = "victim_search"
    """victims of abduction, trafficking or sexual exploitation"""
    THREAT_TO_LIFE = "threat_to_life"
    """a specific and imminent threat to life, or of an attack"""
    DECEASED = "deceased"
    """give a dead or helpless person a name"""
    CHILD_PROTECTION = "child_protection"
    ACCESS_CONTROL = "access_control"
    ACCOUNT_LOGIN = "account_login"
    DEVICE_UNLOCK = "device_unlock"
    PAYMENT = "payment"
    IDENTITY_DOCUMENT = "identity_document"
    """issue a document, find double issues"""
    BENEFITS = "benefits"
    ATTENDANCE = "attendance"
    LOSS_PREVENTION = "loss_prevention"
    """shoplifters and the like"""
    VENUE_SAFETY = "venue_safety"
    """people banned from a venue"""
    PRIVATE_INVESTIGATION = "private_investigation"
    """find out who a stranger is"""
    MARKETING = "marketing"
    WORK_MONITORING = "work_monitoring"
    MEDICAL_OR_SAFETY = "medical_or_safety"
    PHOTO_LIBRARY = "photo_library"
    PERSONAL = "personal"
    """at home, for oneself"""
    CONTENT_MODERATION = "content_moderation"
    RESEARCH = "research"
    TESTING = "testing"
    DATASET_LABELLING = "dataset_labelling"
    """label or filter pictures that were lawfully acquired"""
    REDACTION = "redaction"
    LEGAL_DUTY = "legal_duty"
    """a statute of the place requires it"""
    OTHER = "other"


class LegalBasis(StrEnum):
    """What is claimed to make it lawful."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    EMPLOYMENT_LAW = "employment_law"
    SUBSTANTIAL_PUBLIC_INTEREST = "substantial_public_interest"
    LEGAL_CLAIMS = "legal_claims"
    PUBLISHED_BY_SUBJECT = "published_by_subject"
    HEALTH = "health"
    RESEARCH = "research"
    HOUSEHOLD = "household"
    """purely personal: no basis is needed"""


class Vendor(StrEnum):
    """Whose face recognition product it is, where a settlement binds the vendor by name."""

    CLEARVIEW = "clearview"
    OTHER = "other"
    """anybody else, a system of one's own too"""


class Company(StrEnum):
    """Which company uses it, where a settlement binds the company by name."""

    RITE_AID = "rite_aid"
    OTHER = "other"
    """anybody else"""


class SpaceKind(StrEnum):
    """What kind of place."""

    STREET = "street"
    TRANSPORT = "transport"
    BORDER = "border"
    AIRPORT = "airport"
    SHOP = "shop"
    VENUE = "venue"
    SCHOOL = "school"
    WORKPLACE = "workplace"
    HOME = "home"
    DOORSTEP = "doorstep"
    CUSTODY = "custody"
    DEVICE = "device"
    ONLINE = "online"
    OFFICE = "office"
    """an office with records, where nobody is watched"""


class Suspicion(StrEnum):
    """How strongly somebody is suspected."""

    NONE = "none"
    REASONABLE = "reasonable"
    PROBABLE_CAUSE = "probable_cause"
    CONVICTED = "convicted"


class AuthorisationKind(StrEnum):
    """Whose leave it is."""

    NONE = "none"
    JUDICIAL = "judicial"
    """a judge, not a warrant in the strict sense"""
    WARRANT = "warrant"
    COURT_ORDER = "court_order"
    """an order only to find a missing person or name a dead one"""
    INDEPENDENT = "independent"
    """an independent administrative authority whose decision binds"""
    SUPERIOR = "superior"
    """a superior in the same body"""


class Offence(StrEnum):
    """Kinds of offence that statutes list."""

    TERRORISM = "terrorism"
    TRAFFICKING_PERSONS = "trafficking_persons"
    CHILD_EXPLOITATION = "child_exploitation"
    DRUG_TRAFFICKING = "drug_trafficking"
    WEAPONS_TRAFFICKING = "weapons_trafficking"
    MURDER = "murder"
    GRIEVOUS_INJURY = "grievous_injury"
    ORGAN_TRADE = "organ_trade"
    NUCLEAR_TRAFFICKING = "nuclear_trafficking"
    KIDNAPPING = "kidnapping"
    ICC_CRIME = "icc_crime"
    HIJACKING = "hijacking"
    RAPE = "rape"
    ENVIRONMENTAL = "environmental"
    ORGANISED_ROBBERY = "organised_robbery"
    SABOTAGE = "sabotage"
    CRIMINAL_ORGANISATION = "criminal_organisation"
    VIOLENCE = "violence"
    CHILD_ABUSE = "child_abuse"
    HATE_CRIME = "hate_crime"
    WEAPONS = "weapons"
    ANIMAL_CRUELTY = "animal_cruelty"
    FENTANYL_IMPORT = "fentanyl_import"
    STALKING = "stalking"
    PUBLIC_SAFETY_THREAT = "public_safety_threat"
    FUGITIVE = "fugitive"
    THEFT = "theft"
    IMMIGRATION = "immigration"
    MINOR = "minor"
    OTHER = "other"


class Provenance(StrEnum):
    """Where a gallery's faces come from."""

    CONSENTED = "consented"
    """each person agreed to be in this gallery"""
    OWN_PHOTOS = "own_photos"
    """a household's own pictures"""
    PUBLISHED_SET = "published_set"
    """a data set published for research or tests"""
    CUSTOMERS = "customers"
    """enrolled by the business that they deal with"""
    EMPLOYEES = "employees"
    BOOKING = "booking"
    """taken on arrest"""
    CONVICTED = "convicted"
    LICENCE = "licence"
    """driving licences and identity cards"""
    PASSPORT = "passport"
    WANTED = "wanted"
    MISSING = "missing"
    BANNED = "banned"
    """people whom a business keeps out"""
    CCTV = "cctv"
    """cut out of footage without aim"""
    SCRAPED = "scraped"
    """collected from the internet without aim"""


class Consent(StrEnum):
    """How the subjects agreed."""

    NONE = "none"
    IMPLIED = "implied"
    INFORMED = "informed"
    """told, and went on"""
    WRITTEN = "written"
    """a signed release, also electronic"""
    EXPLICIT = "explicit"
    """a clear statement for this purpose"""
    WITHDRAWN = "withdrawn"


class Relation(StrEnum):
    """What the subjects are to whoever uses the system."""

    STRANGER = "stranger"
    CUSTOMER = "customer"
    EMPLOYEE = "employee"
    PUPIL = "pupil"
    PATIENT = "patient"
    TRAVELLER = "traveller"
    SUSPECT = "suspect"
    SELF = "self"
    FAMILY = "family"
    MISSING = "missing"


class NextStep(StrEnum):
    """What the result is to be used for."""

    NOTHING = "nothing"
    LEAD = "lead"
    """a hint to be looked into"""
    LINE_UP = "line_up"
    """show the candidate to a witness"""
    AFFIDAVIT = "affidavit"
    """ask a court for a warrant"""
    ARREST = "arrest"
    """arrest, detain or deport"""
    REFUSAL = "refusal"
    """refuse entry, service, work or money"""
    ADMISSION = "admission"
    """let somebody in"""
    DEFENCE = "defence"
    """exonerate somebody"""
