"""Settings. Everything that differs between machines comes from the environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from config import env, logs
from config.secret import signing_key
from config.storages import storage

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("AFTERIMAGE_DATA", BASE_DIR / "data")
VERSION = "0.1.0"

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY") or signing_key(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "imagery",
    "analytics",
    "labeling",
]

MIDDLEWARE = [
    "config.request_ids.RequestIds",
    "imagery.views.health.Probes",
    "config.measuring.Measuring",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.gzip.TextGZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.unstorable.NoNul",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "imagery.context.frame",
            ],
        },
    },
]

# Rows ---------------------------------------------------------------------------------------

DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}",
        conn_max_age=env.number("CONN_MAX_AGE", 60),  # s; 0 behind a pooler of transactions
        conn_health_checks=True,
        disable_server_side_cursors=env.flag("DISABLE_SERVER_SIDE_CURSORS"),  # … and this
    )
}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 30,  # s; a server learns soon that a machine is gone, and its locks go
        **DATABASES["default"].get("OPTIONS", {}),
    }
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)  # SQLite makes files, not folders
    except OSError as error:
        raise ImproperlyConfigured(f"AFTERIMAGE_DATA={str(DATA_DIR)!r}: {error.strerror}") from None
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 60,  # s a writer waits for another
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
            "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
        ),
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None
    # A file, as in use: threads of a test see the same rows under the same locks.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Files --------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": storage(env.text("FILES_URL"), DATA_DIR / "files"),
    "staticfiles": {"BACKEND": "config.staticfiles.HashedModulesStorage"},
}
UPLOADS_DIR = DATA_DIR / "uploads"  # imports as they came, until they are read
MAX_UPLOAD_BYTES = env.number("MAX_UPLOAD_MB", 4096, 1) * 2**20
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = None  # set by `run` to a folder beside the uploads: a rename, not a copy
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20

# Jobs ---------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://")
BROKER_DIR = DATA_DIR / "broker"
EMBEDDED = CELERY_BROKER_URL.startswith("filesystem://")  # no server: one worker, started by `run`
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.04,  # s a process waits for its next chunk, at worst
    }
    if EMBEDDED
    else {
        # A message that a worker holds for longer goes to another one too: more than any job takes.
        # A worker that died is found by its job's heartbeat, long before.
        "visibility_timeout": 24 * 3600,
        "queue_order_strategy": "config.broker:people_first",
        "socket_keepalive": True,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a broker that is away comes back
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.number("WORKER_PROCESSES", 2, 1)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
# Queues by nature, so that machines may differ: waiting for the network, computing on pictures,
# everything of which an event has one writer, and what a person waits for.
QUEUES = ("asked", "organise", "look", "fetch")
WORKER_QUEUES = env.some_of("WORKER_QUEUES", QUEUES)
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in QUEUES]
CELERY_TASK_DEFAULT_QUEUE = "organise"
CELERY_TASK_ROUTES = {
    "imagery.tasks.look_up": {"queue": "asked"},
    "imagery.tasks.look_chunk": {"queue": "look"},
    "imagery.tasks.fetch_chunk": {"queue": "fetch"},
}
CELERY_BEAT_SCHEDULER = "imagery.clock:Clock"
CELERY_BEAT_SCHEDULE = {
    "resume-jobs": {"task": "imagery.tasks.resume_jobs", "schedule": 20.0},
    "prune-look-ups": {"task": "imagery.tasks.prune_look_ups", "schedule": 6 * 3600.0},
    "purge-events": {"task": "imagery.tasks.purge_events", "schedule": 24 * 3600.0},
    "sweep-drafts": {"task": "imagery.tasks.sweep_drafts", "schedule": 24 * 3600.0},
}

# Pictures -----------------------------------------------------------------------------------

IMAGERY_WEIGHTS_DIR = env.folder("IMAGERY_WEIGHTS_DIR", DATA_DIR / "weights")
IMAGERY_BACKBONE = env.text("IMAGERY_BACKBONE", "mobilenet_v2")
IMAGERY_MAX_BYTES = env.number("IMAGERY_MAX_MB", 40, 1) * 2**20
IMAGERY_FETCH_PRIVATE = frozenset(env.words("IMAGERY_FETCH_PRIVATE"))  # host:port let through
IMAGERY_USER_AGENT = env.text("IMAGERY_USER_AGENT", f"Afterimage/{VERSION} (image research)")

# People -------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "imagery:events"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 30 * 24 * 3600

HTTPS = env.flag("HTTPS")  # behind a proxy that ends TLS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        # Plotly and justified rows set styles on elements; scripts stay strict.
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False  # pages speak one language: numbers are written without asking which
USE_THOUSAND_SEPARATOR = True

# API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {"login": "10/min"},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Afterimage",
    "DESCRIPTION": "An event's pictures: posts, links, unique images, groups.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# For those who run it -----------------------------------------------------------------------

METRICS_TOKEN = env.text("METRICS_TOKEN")  # bearer of /metrics; staff may read it without
LOGGING = logs.configured(
    env.one_of("LOG_FORMAT", logs.FORMATS), env.text("LOG_LEVEL", "WARNING").upper()
)

if "pytest" in sys.modules:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    WHITENOISE_AUTOREFRESH = True  # else every test's client reads all static files first
