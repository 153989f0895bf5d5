using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Serialization;
using Beadhub.Feed;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/activity</c>: what has happened in the project, newest first, as the event stream tells it.</summary>
internal sealed class ActivityFeed(IGrainFactory grains)
{
    private const int PageSize = 64;

    // A request reads so many events of the log at most; one that finds too few among them tells from where to read on.
    private const int MostRead = 1024;

    // A page holds events whole, with lines of a megabyte, until they are rendered: many readers take turns.
    private static readonly SemaphoreSlim Pages = new(4, 4);

    private static readonly Field<HashSet<string>?> Types =
        InQuery.Text("event_types", "Only these categories, with commas; all unless given").AfterCaller(WireEvents.Named);
    private static readonly Field<string?> Workspace = CommonFields.WorkspaceFilter("workspace_id", "Only what this workspace did");
    private static readonly Field<int?> Before =
        InQuery.OptionalInteger("before", "Only what is older than this position", 1, int.MaxValue);
    private static readonly Field<int> Limit = InQuery.Limit(50, 500);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<ActivityFeed>();
        routes.Map(
            new RequestGroup("/v1/activity", "status", "Who is there, works on what, and what happens")
                .Get("", "readActivity", "What has happened in the project, newest first").Needs(Caller.Reader)
                .Takes(Types, Workspace, Before, Limit)
                .Bind(static fields => new ActivityQuery(
                    fields.Get(Types) ?? [.. WireEvents.Categories], fields.Get(Workspace), fields.Get(Before), fields.Get(Limit)))
                .Answers(Wire.Types.ActivityAnswer),
            endpoints.Read);
    }

    private async Task<ActivityAnswer> Read(ActivityQuery query, ProjectIdentity who)
    {
        var feed = grains.GetGrain<IFeedGrain>(who.ProjectId);
        var slug = (await grains.GetGrain<IProjectGrain>(who.ProjectId).Describe())?.Slug ?? "";
        var (reader, categories) = (ConversationReader.Of(who), WireEvents.ShownTo(who, query.Categories));
        var events = ImmutableArray.CreateBuilder<ActivityItem>();
        var head = await feed.Head();
        // Everything above it has been looked at.
        var end = query.Before is { } before ? Math.Min(before - 1, head) : head;
        for (var read = 0; end > 0 && read < MostRead && events.Count < query.Limit; read += PageSize)
        {
            var start = Math.Max(0, end - PageSize);
            await Pages.WaitAsync();
            try
            {
                var page = (await feed.Read(start, (int)(end - start))).Events;
                end = start;
                foreach (var stored in page.IsDefault ? [] : page.Reverse())
                {
                    if (WireEvents.Render(stored, slug) is not { } frame || !categories.Contains(frame.Category)
                        || (query.WorkspaceId is { } id && frame.WorkspaceId != id)) continue;
                    events.Add(new(frame.Position, Encoding.UTF8.GetString(frame.JsonFor(reader).Span)));
                    if (events.Count < query.Limit) continue;
                    end = frame.Position - 1;
                    break;
                }
            }
            finally
            {
                Pages.Release();
            }
        }

        return new(events.ToImmutable(), end > 0 ? end + 1 : null);
    }

    private sealed record ActivityQuery(HashSet<string> Categories, string? WorkspaceId, int? Before, int Limit);
}

/// <summary>What has happened, newest first.</summary>
/// <param name="Events">Events.</param>
/// <param name="NextBefore">What to ask for as <c>before</c> to read on; null at the beginning of the log.</param>
internal sealed record ActivityAnswer(ImmutableArray<ActivityItem> Events, long? NextBefore);

/// <summary>One event.</summary>
/// <param name="Position">Its feed position.</param>
/// <param name="Event">The event, as the stream shows it to the reader.</param>
internal sealed record ActivityItem(long Position, [property: JsonConverter(typeof(RawJson))] string Event);
