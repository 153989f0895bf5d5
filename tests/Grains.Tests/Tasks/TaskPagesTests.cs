using Beadhub.Tasks;

namespace Beadhub.Grains.Tests.Tasks;

public class TaskPagesTests
{
    private static TaskSummary Native(int number, long priority = 2, string title = "T") =>
        new($"id-{number}", $"p-{number:D3}", number, title, "open", priority, "task", null, null, null, [], null, null);

    private static TaskSummary Bead(string id) => new(id, id, null, "B", "open", 2, "task", null, null, null, [], null, null);

    private static TaskList List(params TaskSummary[] tasks) => new([.. tasks], tasks.Length);

    private static List<string[]> Walk(TaskList list, int limit, bool byPriority)
    {
        var pages = new List<string[]>();
        for (TaskCursor? after = null; ;)
        {
            var page = list.Page(new(limit, after), byPriority);
            page.Total.ShouldBe(list.Total);
            pages.Add([.. page.Tasks.Select(task => task.TaskRef)]);
            if ((after = page.Next) is null) return pages;
            pages.Count.ShouldBeLessThan(100);
        }
    }

    [Fact]
    public void What_fits_is_the_list_itself()
    {
        var list = List(Native(1), Bead("bd-1"));
        list.Page(TaskPage.First, byPriority: false).ShouldBeSameAs(list);
    }

    [Fact]
    public void Pages_go_on_from_native_tasks_to_beads() =>
        Walk(List(Native(1), Native(2), Native(10), Bead("bd-1"), Bead("bd-2")), 2, byPriority: false)
            .ShouldBe([["p-001", "p-002"], ["p-010", "bd-1"], ["bd-2"]]);

    [Fact]
    public void Pages_of_urgent_tasks_go_on_by_priority_and_number() =>
        Walk(List(Native(7, 0), Native(1, 1), Native(3, 1), Native(2, 4)), 1, byPriority: true)
            .ShouldBe([["p-007"], ["p-001"], ["p-003"], ["p-002"]]);

    [Fact]
    public void A_page_ends_before_it_is_larger_than_clients_read()
    {
        var pages = Walk(List([.. Enumerable.Range(1, 5000).Select(i => Native(i, title: new string('界', 1000)))]), TaskPage.Usual,
            byPriority: false);
        pages.Count.ShouldBe(3);
        pages.Sum(page => page.Length).ShouldBe(5000);
    }
}
