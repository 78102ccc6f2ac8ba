"""The GraphQL documents that the client sends. What their answers mean is said where they are read."""

from __future__ import annotations

LOCATION = "telemetry_pipeline"
REPOSITORY = "__repository__"

_SELECTOR = f'{{repositoryLocationName: "{LOCATION}", repositoryName: "{REPOSITORY}"}}'
_ERROR = "message className causes { message className }"

_LAUNCHED = f"""
    __typename
    ... on LaunchRunSuccess {{ run {{ runId }} }}
    ... on RunConfigValidationInvalid {{ errors {{ message }} }}
    ... on PipelineNotFoundError {{ message }}
    ... on InvalidSubsetError {{ message }}
    ... on RunConflict {{ message }}
    ... on UnauthorizedError {{ message }}
    ... on PythonError {{ {_ERROR} }}"""

LAUNCH = f"""
mutation Launch($params: ExecutionParams!) {{
  launchRun(executionParams: $params) {{{_LAUNCHED}
  }}
}}"""

REEXECUTE = f"""
mutation Reexecute($params: ReexecutionParams!) {{
  launchRunReexecution(reexecutionParams: $params) {{{_LAUNCHED}
  }}
}}"""

CANCEL = f"""
mutation Terminate($id: String!) {{
  terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) {{
    __typename
    ... on TerminateRunFailure {{ message }}
    ... on RunNotFoundError {{ message }}
    ... on UnauthorizedError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

ABANDON = """
mutation Abandon($ids: [String!]!) {
  terminateRuns(runIds: $ids, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) { __typename }
}"""

TARGETS = f"""
query Targets {{
  repositoryOrError(repositorySelector: {_SELECTOR}) {{
    __typename
    ... on Repository {{
      jobs {{ name }}
      assetNodes {{
        assetKey {{ path }} opName kinds jobNames
        partitionKeyConnection(limit: 1, ascending: false) {{ results }}
      }}
    }}
    ... on RepositoryNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

_STEP_STATS = "stepStats { stepKey status startTime endTime attempts { startTime endTime } }"
_RUN_FIELDS = "runId jobName status creationTime startTime endTime parentRunId tags { key value } assetSelection { path }"

STATUS = f"""
query Status($id: ID!) {{
  runOrError(runId: $id) {{
    __typename
    ... on Run {{ status }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

RUN = f"""
query Run($id: ID!) {{
  runOrError(runId: $id) {{
    __typename
    ... on Run {{
      {_RUN_FIELDS}
      executionPlan {{ steps {{ key }} }}
      {_STEP_STATS}
    }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

RUNS = f"""
query Runs($filter: RunsFilter, $limit: Int!, $cursor: String, $steps: Boolean = false) {{
  runsOrError(filter: $filter, limit: $limit, cursor: $cursor) {{
    __typename
    ... on Runs {{ results {{ {_RUN_FIELDS} {_STEP_STATS.replace(" {", " @include(if: $steps) {", 1)} }} }}
    ... on InvalidPipelineRunsFilterError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

CHECKS = f"""
query Checks {{
  repositoryOrError(repositorySelector: {_SELECTOR}) {{
    __typename
    ... on Repository {{
      assetNodes {{
        assetChecksOrError {{
          ... on AssetChecks {{
            checks {{
              name description blocking
              assetKey {{ path }}
            }}
          }}
        }}
      }}
    }}
    ... on RepositoryNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

TICKS = f"""
query Ticks($name: String!, $limit: Int!) {{
  scheduleOrError(scheduleSelector: {_SELECTOR[:-1]}, scheduleName: $name}}) {{
    __typename
    ... on Schedule {{ scheduleState {{ status ticks(limit: $limit) {{ status runs {{ status }} }} }} }}
    ... on ScheduleNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

# intRepr, because intValue is null beyond 32 bits.
_METADATA = """metadataEntries {
  label
  ... on IntMetadataEntry { intRepr }
  ... on FloatMetadataEntry { floatValue }
  ... on TextMetadataEntry { text }
  ... on BoolMetadataEntry { boolValue }
}"""

EVENTS = f"""
query Events($id: ID!, $after: String, $limit: Int!) {{
  runOrError(runId: $id) {{
    __typename
    ... on Run {{ status }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
  logsForRun(runId: $id, afterCursor: $after, limit: $limit) {{
    __typename
    ... on EventConnection {{
      cursor
      hasMore
      events {{
        __typename
        ... on MessageEvent {{ stepKey message timestamp }}
        ... on ExecutionStepFailureEvent {{ error {{ {_ERROR} }} failureMetadata {{ description {_METADATA} }} }}
        ... on ExecutionStepUpForRetryEvent {{ error {{ {_ERROR} }} secondsToWait }}
        ... on RunFailureEvent {{ error {{ {_ERROR} }} }}
        ... on ObservationEvent {{ assetKey {{ path }} partition {_METADATA} }}
        ... on MaterializationEvent {{ assetKey {{ path }} partition {_METADATA} }}
      }}
    }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

STORED = f"""
query Stored($id: ID!) {{
  runOrError(runId: $id) {{
    __typename
    ... on Run {{ assetMaterializations {{ metadataEntries {{
      label
      ... on TextMetadataEntry {{ text }}
      ... on JsonMetadataEntry {{ jsonString }}
      ... on UrlMetadataEntry {{ url }}
    }} }} }}
    ... on RunNotFoundError {{ message }}
    ... on PythonError {{ {_ERROR} }}
  }}
}}"""

_WORKSPACE = f"""
  workspaceOrError {{
    __typename
    ... on Workspace {{
      locationEntries {{
        name
        loadStatus
        locationOrLoadError {{
          __typename
          ... on RepositoryLocation {{ serverId }}
          ... on PythonError {{ {_ERROR} }}
        }}
      }}
    }}
    ... on PythonError {{ {_ERROR} }}
  }}"""

CODE = f"query Code {{ {_WORKSPACE} }}"

HEALTH = f"""
query Health {{
  version
  instance {{ daemonHealth {{ allDaemonStatuses {{ daemonType required healthy }} }} }}
  {_WORKSPACE}
}}"""
