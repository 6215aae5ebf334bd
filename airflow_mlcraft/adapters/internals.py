"""The internal names of each library that its adapter uses, as data. See `adapters/contract.py`.

Attributes that exist on objects alone, set in `__init__` or `fit`, are found by no path: tests/adapters checks them.
"""

from __future__ import annotations

from airflow_mlcraft.adapters.contract import Internal, Library

AIRFLOW_SDK = Library(
    "apache-airflow-task-sdk",
    "airflow_mlcraft/adapters/airflow_sdk.py",
    "1.1 to 1.3",
    (
        Internal("airflow.sdk.definitions._internal.abstractoperator:AbstractOperator", "the type of tasks"),
        Internal(
            "airflow.sdk.definitions._internal.expandinput:DictOfListsExpandInput", "task groups of scattered workflows"
        ),
        Internal(
            "airflow.sdk.definitions.taskgroup:MappedTaskGroup",
            "task groups of scattered workflows",
            parameters=("expand_input", "group_id", "group_display_name", "tooltip"),
        ),
        Internal(
            "airflow.sdk.definitions.xcom_arg:PlainXComArg", "the outputs of task groups", parameters=("operator",)
        ),
        Internal("airflow.sdk.definitions.xcom_arg:PlainXComArg.__getitem__", "the outputs of task groups"),
        Internal("airflow.sdk.definitions.param:ParamsDict", "DAGs whose tasks have no copies of the DAG's params"),
        Internal("airflow.sdk.definitions.dag:TAG_MAX_LEN", "the check of a DAG's tags"),
        Internal(
            "airflow.sdk.definitions.dag:DAG.get_serialized_fields", "documents with errors, which raise them in it"
        ),
        Internal("airflow.sdk.definitions.dag:DAG.relative_fileloc", "the path of a document's import error"),
        Internal("airflow.sdk.definitions.dag:DAG.validate", "DAGs that Airflow does not need to check"),
        Internal("airflow.sdk.definitions.context:KNOWN_CONTEXT_KEYS", "the arguments of tracked tasks"),
        Internal("airflow.sdk.bases.decorator:TaskDecorator", "the type of the decorator @task.tracked"),
        Internal(
            "airflow.sdk.exceptions:TaskAwaitingInput",
            "tasks that wait for a person's answer",
            instead=("airflow.sdk.bases.operator:BaseOperator.defer",),
        ),
        Internal(
            "airflow.sdk.execution_time.task_runner:SUPERVISOR_COMMS",
            "the question whether the process runs a task, or parses for the DAG processor",
        ),
        Internal(
            "airflow.sdk.execution_time.supervisor:InProcessSupervisorComms",
            "the permissions of tasks of `mlcraft run`",
        ),
        Internal(
            "airflow.sdk.execution_time.supervisor:InProcessTestSupervisor.start",
            "tasks of the embedded Airflow",
            parameters=("what", "task", "logger"),
        ),
        Internal(
            "airflow.sdk.execution_time.supervisor:InProcessTestSupervisor.run_trigger_in_process",
            "triggers of the embedded Airflow",
            parameters=("trigger", "ti"),
        ),
        Internal(
            "airflow.sdk.execution_time.supervisor:InProcessTestSupervisor._api_client",
            "one client of the Execution API for all tasks",
            parameters=("dag",),
        ),
        Internal(
            "airflow.sdk.execution_time.supervisor:InProcessTestSupervisor._setup_subprocess_socket",
            "tasks of the embedded Airflow that leave no thread behind",
            # Older ones have neither the socket nor its thread.
            since="1.1.8",
        ),
        Internal(
            "airflow.sdk.execution_time.supervisor:InProcessTestSupervisor._Client",
            "the client of the Execution API",
            parameters=("base_url", "token", "dry_run"),
            attributes=("base_url",),
        ),
        Internal("airflow.sdk.execution_time.supervisor:TaskRunResult", "failures of tasks", attributes=("error",)),
        Internal(
            "airflow.sdk.api.datamodels._generated:TaskInstance",
            "tasks of the embedded Airflow",
            parameters=("id", "task_id", "dag_id", "run_id", "try_number", "map_index", "dag_version_id"),
        ),
        Internal("airflow.sdk.execution_time.xcom:XCom.deserialize_value", "the outputs of a run"),
    ),
)

_RUN = "runs of the embedded Airflow"
_ROW_OF_TASK = ("id", "dag_id", "run_id", "task_id", "map_index", "state", "try_number", "start_date", "end_date")
AIRFLOW_CORE = Library(
    "apache-airflow-core",
    "airflow_mlcraft/adapters/airflow_core.py",
    "3.1 to 3.3",
    (
        Internal("airflow._shared.logging.structlog:PER_LOGGER_LEVELS", "the log lines of the embedded Airflow"),
        Internal(
            "airflow.serialization.definitions.mappedoperator:SerializedMappedOperator._task_module",
            "the end of the MLflow run of a DAG run",
            instead=("airflow.models.mappedoperator:MappedOperator._task_module",),
        ),
        Internal(
            "airflow.serialization.serialized_objects:DagSerialization.to_dict",
            "serialized DAGs",
            instead=("airflow.serialization.serialized_objects:SerializedDAG.to_dict",),
        ),
        Internal(
            "airflow.serialization.serialized_objects:DagSerialization.from_dict",
            "serialized DAGs",
            instead=("airflow.serialization.serialized_objects:SerializedDAG.from_dict",),
        ),
        Internal(
            "airflow.serialization.serialized_objects:LazyDeserializedDAG",
            "the check of a DAG's schedule, and runs of the embedded Airflow",
            parameters=("data",),
            attributes=("timetable",),
        ),
        Internal(
            "airflow.serialization.definitions.dag:SerializedDAG.bulk_write_to_db",
            _RUN,
            parameters=("session",),
            instead=("airflow.serialization.serialized_objects:SerializedDAG.bulk_write_to_db",),
        ),
        Internal(
            "airflow.serialization.definitions.dag:SerializedDAG.create_dagrun",
            _RUN,
            parameters=(
                "run_id",
                "logical_date",
                "data_interval",
                "run_after",
                "start_date",
                "conf",
                "run_type",
                "triggered_by",
                "state",
                "session",
            ),
            instead=("airflow.serialization.serialized_objects:SerializedDAG.create_dagrun",),
        ),
        Internal("airflow.models.asset:AssetModel", "the lengths of columns", attributes=("uri",)),
        Internal(
            "airflow.models.dag:DagModel",
            "the lengths of columns, and the DAGs of a document that is gone",
            attributes=(
                "dag_id",
                "dag_display_name",
                "owners",
                "timetable_description",
                "bundle_name",
                "relative_fileloc",
                "is_stale",
            ),
        ),
        Internal("airflow.models.dag:DagOwnerAttributes", "the lengths of columns", attributes=("owner",)),
        Internal("airflow.models.dag:DagTag", "the lengths of columns", attributes=("name",)),
        Internal(
            "airflow.models.dag_version:DagVersion",
            "the plan that a run was started with",
            attributes=("id", "version_number"),
        ),
        Internal(
            "airflow.models.serialized_dag:SerializedDagModel",
            "the plan of a DAG",
            attributes=("dag_id", "dag_version_id", "created_at", "data"),
        ),
        Internal(
            "airflow.models.serialized_dag:SerializedDagModel.write_dag", _RUN, parameters=("bundle_name", "session")
        ),
        Internal("airflow.models.dagbundle:DagBundleModel", _RUN, attributes=("name",)),
        Internal(
            "airflow.models.dagbag:DagPriorityParsingRequest",
            "the parse of a document as it is saved",
            parameters=("bundle_name", "relative_fileloc"),
        ),
        Internal(
            "airflow.models.dagrun:DagRun",
            "runs, their states and their ends",
            attributes=("dag_id", "run_id", "state", "start_date", "end_date", "conf"),
        ),
        Internal(
            "airflow.models.dagrun:DagRun.generate_run_id", _RUN, parameters=("run_type", "logical_date", "run_after")
        ),
        Internal("airflow.models.dagrun:DagRun.update_state", _RUN, parameters=("session",)),
        Internal("airflow.models.dagrun:DagRun.schedule_tis", _RUN, parameters=("session",)),
        Internal("airflow.models.dagrun:DagRun.set_state", _RUN),
        Internal(
            "airflow.models.taskinstance:TaskInstance",
            "the tasks of a run and their states",
            attributes=(
                *_ROW_OF_TASK,
                "dag_version_id",
                "pool",
                "pool_slots",
                "priority_weight",
                "queue",
                "queued_dttm",
                "rendered_map_index",
                "task_display_name",
                "trigger_id",
            ),
        ),
        Internal("airflow.models.taskinstance:TaskInstance.handle_failure", _RUN, parameters=("error", "session")),
        Internal("airflow.models.taskinstance:TaskInstance.next_retry_datetime", _RUN),
        Internal("airflow.models.taskreschedule:TaskReschedule", _RUN, attributes=("ti_id", "reschedule_date")),
        Internal("airflow.models.trigger:Trigger", "tasks that wait for a trigger", attributes=("classpath", "kwargs")),
        Internal(
            "airflow.models.trigger:Trigger.submit_event", "tasks that wait for a trigger", parameters=("session",)
        ),
        Internal(
            "airflow.models.trigger:Trigger.submit_failure", "tasks that wait for a trigger", parameters=("session",)
        ),
        Internal(
            "airflow.models.xcom:XComModel",
            "the values of a run",
            attributes=("dag_id", "run_id", "task_id", "map_index", "key", "value"),
        ),
        Internal(
            "airflow.models.xcom:XComModel.get_many",
            "the values of a run",
            parameters=("run_id", "key", "task_ids", "dag_ids", "map_indexes"),
        ),
        Internal("airflow.models.xcom:XComModel.deserialize_value", "the values of a run"),
        Internal(
            "airflow.models.errors:ParseImportError",
            "the import errors of documents",
            attributes=("filename", "timestamp"),
        ),
        Internal(
            "airflow.models.log:Log", "the audit log of documents", parameters=("event", "dag_id", "owner", "extra")
        ),
        Internal("airflow.utils.session:create_session", "the database"),
        Internal("airflow.utils.db:initdb", "the database of the embedded Airflow"),
        Internal("airflow.utils.types:DagRunType", _RUN, attributes=("MANUAL",)),
        Internal("airflow.utils.types:DagRunTriggeredByType", _RUN, attributes=("CLI",)),
        Internal("airflow.utils.state:DagRunState", _RUN, attributes=("RUNNING",)),
        Internal("airflow.utils.log.log_reader:TaskLogReader.read_log_chunks", "the logs on the page of a run's step"),
        Internal(
            "airflow.dag_processing.bundles.manager:DagBundlesManager.get_all_dag_bundles",
            "the DAG files that load documents",
        ),
        Internal("airflow.settings:engine", "the database of the embedded Airflow"),
        Internal("airflow.settings:async_engine", "the database of the embedded Airflow"),
        Internal("airflow.settings:Session", "the database of the embedded Airflow"),
        Internal(
            "airflow.settings:get_policy_plugin_manager",
            "the question whether there are cluster policies",
            instead=("airflow.settings:POLICY_PLUGIN_MANAGER",),
        ),
        Internal(
            "airflow.api_fastapi.execution_api.app:create_task_execution_api_app",
            "the Execution API in a run's process",
        ),
        Internal(
            "airflow.api_fastapi.execution_api.app:InProcessExecutionAPI.app", "the Execution API in a run's process"
        ),
        Internal("airflow.api_fastapi.execution_api.app:lifespan", "the Execution API in a run's process"),
        Internal(
            "airflow.api_fastapi.execution_api.routes:execution_api_router", "the Execution API in a run's process"
        ),
        Internal("cadwyn.route_generation:_DELETED_ROUTE_TAG", "the routes of the newest version of the Execution API"),
    ),
)

AIRFLOW_API = Library(
    "apache-airflow-core",
    "airflow_mlcraft/adapters/airflow_api.py",
    "3.1 to 3.3",
    (
        Internal("airflow.api_fastapi.app:get_auth_manager", "the permissions of users"),
        Internal(
            "airflow.api_fastapi.auth.managers.base_auth_manager:BaseAuthManager.filter_authorized_dag_ids",
            "the permissions of users",
            parameters=("dag_ids", "user", "method"),
        ),
        Internal(
            "airflow.api_fastapi.auth.managers.models.resource_details:DagAccessEntity",
            "the permissions of users",
            attributes=("RUN", "TASK_INSTANCE", "TASK_LOGS", "XCOM"),
        ),
        Internal("airflow.api_fastapi.common.db.common:SessionDep", "the database session of a request"),
        Internal("airflow.api_fastapi.core_api.security:GetUserDep", "the user of a request"),
        Internal(
            "airflow.api_fastapi.core_api.security:requires_access_dag",
            "the permissions of users",
            parameters=("method", "access_entity"),
        ),
        Internal(
            "airflow.api_fastapi.auth.managers.base_auth_manager:BaseAuthManager.is_authorized_dag",
            "the permissions of users",
            parameters=("method", "access_entity", "details", "user"),
        ),
        Internal(
            "airflow.api_fastapi.auth.managers.models.resource_details:DagDetails",
            "the permissions of users",
            parameters=("id", "team_name"),
        ),
        Internal("airflow.models.dag:DagModel.get_team_name", "the permissions of users", parameters=("dag_id",)),
    ),
)

AIRFLOW_STANDARD = Library(
    "apache-airflow-providers-standard",
    "airflow_mlcraft/adapters/airflow_standard.py",
    "1.20 to 1.21",
    (
        Internal(
            "airflow.providers.standard.decorators.python:_PythonDecoratedOperator.execute_callable",
            "the calls of tracked tasks",
        ),
        Internal(
            "airflow.providers.standard.operators.hitl:ApprovalOperator.execute",
            "the approval of models",
            parameters=("context",),
        ),
        Internal(
            "airflow.providers.standard.operators.hitl:HITLOperator.execute_complete",
            "the approval of models",
            parameters=("context", "event"),
        ),
        Internal("airflow.providers.standard.operators.hitl:ApprovalOperator.APPROVE", "the approval of models"),
    ),
)

CWLTOOL = Library(
    "cwltool",
    "airflow_mlcraft/adapters/cwltool.py",
    "3.1.20250925164626 to 3.3.20260925135507",
    (
        Internal("cwltool.process:Process._init_job", "checks of the inputs of a run"),
        Internal(
            "cwltool.job:JobBase._execute",
            "running steps inside of their task, and ending tools that outlive their task",
            ("runtime", "env", "runtimeContext", "monitor_function"),
        ),
        Internal(
            "cwltool.job:ContainerCommandLineJob.docker_monitor",
            "the time limit of tools in containers",
            ("cidfile", "tmpdir_prefix", "cleanup_cidfile", "docker_exe", "process"),
        ),
        Internal("cwltool.process:SCHEMA_CACHE", "clearing the ontologies of a document before the next is loaded"),
        Internal("cwltool.process:get_schema", "reading the schema of CWL before tasks are forked"),
        Internal("cwltool.process:SCHEMA_ANY", "starting the first tool of a process without reading CWL's schema"),
        Internal("cwltool.process:SCHEMA_FILE", "starting the first tool of a process without reading CWL's schema"),
        Internal("cwltool.process:SCHEMA_DIR", "starting the first tool of a process without reading CWL's schema"),
        Internal("cwltool.utils:processes_to_kill", "ending tools when their task is stopped"),
        Internal("cwltool.load_tool:jobloaderctx", "reading job files"),
        Internal("cwltool.load_tool:jobloader_id_name", "reading job files"),
    ),
)

SCHEMA_SALAD = Library(
    "schema-salad",
    "airflow_mlcraft/adapters/schema_salad.py",
    "8.9 to 8.10",
    (
        Internal(
            "schema_salad.fetcher:DefaultFetcher.fetch_text",
            "recording and limiting the files that a document is read from",
            ("url", "content_types"),
        ),
        Internal(
            "schema_salad.fetcher:DefaultFetcher.check_exists",
            "recording and limiting the files that a document is read from",
            ("url",),
        ),
    ),
)

CWL_UTILS = Library(
    "cwl-utils",
    "airflow_mlcraft/adapters/cwl_utils.py",
    "0.40 to 0.45",
    (
        Internal("cwl_utils.sandboxjs:set_js_engine", "evaluating JavaScript in a Node without access to anything"),
        Internal("cwl_utils.sandboxjs:JSEngine.eval", "command lines without JavaScript", ("scan", "jslib")),
        Internal(
            "cwl_utils.sandboxjs:JSEngine.regex_eval",
            "command lines without JavaScript",
            ("parsed_string", "remaining_string", "current_value"),
        ),
        Internal(
            "cwl_utils.sandboxjs:NodeJSEngine.regex_eval",
            "command lines without JavaScript",
            ("parsed_string", "remaining_string", "current_value"),
        ),
        Internal("cwl_utils.sandboxjs:NodeJSEngine.exec_js_process", "time limits of expressions"),
        Internal(
            "cwl_utils.sandboxjs:NodeJSEngine.new_js_proc",
            "evaluating JavaScript in a Node without access to anything",
            ("js_text", "force_docker_pull", "container_engine"),
        ),
        Internal("cwl_utils.sandboxjs:NodeJSEngine.localdata", "one Node for all expressions of a process"),
    ),
)

RUAMEL_YAML = Library(
    "ruamel.yaml",
    "airflow_mlcraft/adapters/ruamel_yaml.py",
    "0.18 to 0.19",
    (Internal("ruamel.yaml.scalarfloat:ScalarFloat", "numbers that a document writes with an exponent"),),
)

DVC = Library(
    "dvc",
    "airflow_mlcraft/adapters/dvc.py",
    "3.63 to 3.67",
    (
        Internal("dvc.repo:Repo", "pushing data to a DVC remote", ("remote", "remote_config")),
        Internal("dvc.repo:Repo.init", "creating the DVC repository of a project"),
        Internal("dvc.repo:Repo.get", "loading data sets from a git repository", ("out", "rev")),
        Internal("dvc.config:Config", "reading and setting the DVC remote", ("validate",)),
        Internal("dvc.config:Config.edit", "setting the DVC remote"),
        Internal("dvc.config:ConfigError", "errors in the configuration of DVC"),
        Internal("dvc.exceptions:DvcException", "errors of DVC"),
        Internal("dvc.data_cloud:DataCloud.get_remote_odb", "pushing data to a DVC remote"),
        Internal("dvc.data_cloud:DataCloud.transfer", "pushing data to a DVC remote"),
    ),
)

DVC_DATA = Library(
    "dvc-data",
    "airflow_mlcraft/adapters/dvc.py",
    "3.16.12 to 3.18",
    (
        Internal("dvc_data.hashfile.db:get_index", "pushing data to a DVC remote"),
        Internal("dvc_data.hashfile.hash_info:HashInfo", "pushing data to a DVC remote"),
        Internal(
            "dvc_data.hashfile.transfer:transfer",
            "pushing data to a DVC remote",
            ("dest_index", "cache_odb", "shallow"),
        ),
        Internal("dvc_data.hashfile.transfer:TransferResult.transferred", "the number of objects that were pushed"),
        Internal("dvc_data.hashfile.transfer:TransferResult.failed", "objects that a DVC remote has refused"),
        Internal("dvc_data.hashfile.transfer:logger", "the reasons why a DVC remote has refused objects"),
    ),
)

MLFLOW = Library(
    "mlflow",
    "airflow_mlcraft/adapters/mlflow.py",
    "3.4 to 3.17",
    (
        Internal(
            "mlflow.store.artifact.artifact_repository_registry:get_artifact_repository",
            "files of runs and models in a store that is no server",
        ),
        Internal(
            "mlflow.store.artifact.artifact_repo:ArtifactRepository.log_artifact",
            "files of runs and models in a store that is no server",
        ),
        Internal(
            "mlflow.store.artifact.artifact_repo:ArtifactRepository.download_artifacts",
            "files of runs and models in a store that is no server",
        ),
    ),
)

MLFLOW_PLUGINS = Library(
    "mlflow",
    "airflow_mlcraft/adapters/mlflow_plugins.py",
    "3.4 to 3.17",
    (
        Internal("mlflow.data.dataset_source:DatasetSource._get_source_type", "data sets with their DVC hash"),
        Internal("mlflow.data.dataset_source:DatasetSource._can_resolve", "data sets with their DVC hash"),
        Internal("mlflow.data.dataset_source:DatasetSource._resolve", "data sets with their DVC hash"),
        Internal(
            "mlflow.tracking.context.abstract_context:RunContextProvider.in_context", "tags of runs that tasks start"
        ),
        Internal("mlflow.tracking.context.abstract_context:RunContextProvider.tags", "tags of runs that tasks start"),
        Internal(
            "mlflow.tracking.default_experiment.abstract_context:DefaultExperimentProvider.in_context",
            "the experiment of runs that tasks start",
        ),
        Internal(
            "mlflow.tracking.default_experiment.abstract_context:DefaultExperimentProvider.get_experiment_id",
            "the experiment of runs that tasks start",
        ),
    ),
)

_BOOSTING = "sklearn.ensemble._hist_gradient_boosting"
SKLEARN = Library(
    "scikit-learn",
    "airflow_mlcraft/adapters/sklearn.py",
    "1.6 to 1.9",
    (
        Internal(f"{_BOOSTING}.predictor:TreePredictor.predict", "fast predictions of histogram gradient boosting"),
        Internal(f"{_BOOSTING}.common:PREDICTOR_RECORD_DTYPE", "fast predictions of histogram gradient boosting"),
        Internal(
            f"{_BOOSTING}.binning:_BinMapper.make_known_categories_bitsets",
            "fast predictions of histogram gradient boosting",
        ),
        Internal("sklearn._loss.link:BaseLink.inverse", "fast predictions of histogram gradient boosting"),
        Internal(
            "sklearn._loss.loss:HalfBinomialLoss.predict_proba", "fast probabilities of histogram gradient boosting"
        ),
        Internal(
            "sklearn._loss.loss:HalfMultinomialLoss.predict_proba", "fast probabilities of histogram gradient boosting"
        ),
    ),
)

PROMETHEUS = Library(
    "prometheus-client",
    "airflow_mlcraft/adapters/prometheus.py",
    "0.21 to 0.26",
    (
        Internal(
            "prometheus_client.multiprocess:MultiProcessCollector", "the metrics of all workers of an inference server"
        ),
        Internal(
            "prometheus_client.values:MultiProcessValue",
            "removing the gauges of a worker of an inference server that has ended",
        ),
    ),
)

LIBRARIES = (
    AIRFLOW_SDK,
    AIRFLOW_CORE,
    AIRFLOW_API,
    AIRFLOW_STANDARD,
    CWLTOOL,
    SCHEMA_SALAD,
    CWL_UTILS,
    RUAMEL_YAML,
    DVC,
    DVC_DATA,
    MLFLOW,
    MLFLOW_PLUGINS,
    SKLEARN,
    PROMETHEUS,
)
