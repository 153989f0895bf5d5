using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Gateway.Mcp;
using Beadhub.Projects;
using Beadhub.Tasks;

namespace Beadhub.Gateway.Http;

/// <summary>JSON of everything that the gateway answers.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(IsoTime)], GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(ErrorDetail))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(InitAnswer))]
[JsonSerializable(typeof(IntrospectAnswer))]
[JsonSerializable(typeof(ProjectView))]
[JsonSerializable(typeof(AgentList))]
[JsonSerializable(typeof(AgentSeen))]
[JsonSerializable(typeof(RegisterAnswer))]
[JsonSerializable(typeof(AliasPrefixAnswer))]
[JsonSerializable(typeof(NamePrefixAnswer))]
[JsonSerializable(typeof(WorkspaceRegistered))]
[JsonSerializable(typeof(HeartbeatAnswer))]
[JsonSerializable(typeof(DeletedAnswer))]
[JsonSerializable(typeof(RestoredAnswer))]
[JsonSerializable(typeof(WorkspaceView))]
[JsonSerializable(typeof(WorkspaceList))]
[JsonSerializable(typeof(RepoFound))]
[JsonSerializable(typeof(RepoEnsured))]
[JsonSerializable(typeof(RepoList))]
[JsonSerializable(typeof(RepoDeleted))]
[JsonSerializable(typeof(AmbiguousRepoError))]
[JsonSerializable(typeof(UploadAnswer))]
[JsonSerializable(typeof(IssueList))]
[JsonSerializable(typeof(Issue))]
[JsonSerializable(typeof(ReadyIssues))]
[JsonSerializable(typeof(CommandAnswer))]
[JsonSerializable(typeof(SyncAnswer))]
[JsonSerializable(typeof(ClaimList))]
[JsonSerializable(typeof(StatusView))]
[JsonSerializable(typeof(McpProject))]
[JsonSerializable(typeof(McpAgents))]
[JsonSerializable(typeof(McpSent))]
[JsonSerializable(typeof(McpReplied))]
[JsonSerializable(typeof(ImmutableArray<McpMail>))]
[JsonSerializable(typeof(McpAcknowledged))]
[JsonSerializable(typeof(McpMarkedRead))]
[JsonSerializable(typeof(TaskView))]
[JsonSerializable(typeof(TaskList))]
[JsonSerializable(typeof(TaskDeletedAnswer))]
[JsonSerializable(typeof(DependencyAnswer))]
[JsonSerializable(typeof(DependencyRemovedAnswer))]
[JsonSerializable(typeof(TaskComment))]
[JsonSerializable(typeof(TaskCommentList))]
internal sealed partial class WireJson : JsonSerializerContext;
