using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Reads a paged list to its end (contract 0.5).</summary>
internal static class Pages
{
    /// <summary>All items of a list whose path already has a query.</summary>
    public static async Task<List<JsonElement>> Of(Api caller, string path, string list) =>
        [.. (await Each(caller, path)).SelectMany(page => page.Items(list))];

    /// <summary>The pages, one by one.</summary>
    public static async Task<List<JsonElement>> Each(Api caller, string path)
    {
        var pages = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var page = await caller.Get(path + (cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")).Ok();
            pages.Add(page);
            pages.Count.ShouldBeLessThan(10_000, "the cursors go round in circles");
            cursor = page.Maybe("next_cursor");
            page.Flag("has_more").ShouldBe(cursor is not null);
        }
        while (cursor is not null);
        return pages;
    }
}
